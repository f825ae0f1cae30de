"""All transports behave alike: without a network, over gRPC through a proxy, and over the simulated network."""

from functools import wraps

import pytest
from sim.transports import REPLIES, DirectWorld, RealWorld, SimWorld

from harness.proxy.server_process import find_backend, running_proxy_server
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.methods import METHODS
from splitlearn.wire.words import clipped

SECONDS = 20.0
COMPUTE, GRADIENTS = METHODS["Compute"], METHODS["GetGradients"]


@pytest.fixture(scope="module")
def toxiproxy(tmp_path_factory):
    log = tmp_path_factory.mktemp("proxy") / "log"
    with running_proxy_server(find_backend("embedded"), seed=0, log_path=log) as client:
        yield client


@pytest.fixture
def world(request, config, toxiproxy):
    made = RealWorld(config, toxiproxy) if request.param is RealWorld else request.param()
    yield made
    made.close()


def in_each(*kinds):
    """Return a decorator that runs a test in each kind of world, as the client's program."""

    def decorate(test):
        @wraps(test)
        def inside(world, **others):
            world.run(lambda: test(world, **others))

        return pytest.mark.parametrize("world", kinds, indirect=True)(inside)

    return decorate


in_all, over_a_wire = in_each(DirectWorld, RealWorld, SimWorld), in_each(RealWorld, SimWorld)


def request_of(data):
    return COMPUTE.write_request(pb.ComputeRequest(smashed=pb.Tensor(data=data)))


def asked(transport, data=b"hello", timeout=SECONDS):
    return transport.call("Compute", request_of(data), timeout)


def heard(pending, data=b"hello"):
    return COMPUTE.read_reply(pending.result(), request_of(data)).features.data


def failure_of(pending):
    with pytest.raises(WireError) as caught:
        pending.result()
    return caught.value.reason, caught.value.code


def answered_again(transport):
    """Return a condition that sends a request and holds if it is answered; gRPC reconnects only after a back-off."""

    def is_answered():
        try:
            return heard(asked(transport)) == b"hello"
        except WireError:
            return False

    return is_answered


@in_all
def test_a_reply_comes_as_it_was_written(world):
    transport = world.transport()
    for data in (b"", b"hello", b"\x00" * 300_000):
        assert heard(asked(transport, data), data) == data
    assert world.service.heard == [b"", b"hello", b"\x00" * 300_000]


@in_all
def test_a_stream_has_all_replies_in_their_order(world):
    request = GRADIENTS.write_request(pb.GetGradientsRequest())
    stream = world.transport().stream("GetGradients", request, SECONDS)
    replies = [*GRADIENTS.read_replies(stream, request)]
    assert [reply.name for reply in replies] == [str(number) for number in range(REPLIES)]


@in_all
def test_a_damaged_request_is_refused(world):
    request = bytearray(request_of(b"hello"))
    request[4] ^= 1
    assert failure_of(world.transport().call("Compute", bytes(request), SECONDS)) == (Reason.CORRUPT, Code.DATA_LOSS)


HELD = {"client": "a", "incarnation": "12"}
# The error that the service raises, and the one that the client receives.
REFUSALS = {
    "plain": (
        WireError(Reason.MISMATCH, "seed differs", details={"field": "seed", "other": ""}),
        (Reason.MISMATCH, Code.FAILED_PRECONDITION, "seed differs", {"field": "seed", "other": ""}),
    ),
    "who holds a session": (
        WireError(Reason.SESSION_HELD, "held", details=HELD),
        (Reason.SESSION_HELD, Code.ABORTED, "held", HELD),
    ),
    "of many words": (
        WireError(Reason.BAD_SHAPE, "long " * 400, details={"shape": "9, " * 4000}),
        (Reason.BAD_SHAPE, Code.INVALID_ARGUMENT, clipped("long " * 400), {"shape": clipped("9, " * 4000)}),
    ),
    "not in ASCII": (
        WireError(Reason.UNKNOWN_CODEC, "\N{PILE OF POO}\x1b", details={"codec": "é"}),
        (Reason.UNKNOWN_CODEC, Code.INVALID_ARGUMENT, "\N{PILE OF POO}\\x1b", {"codec": "é"}),
    ),
    "without words": (
        WireError(Reason.KEY_REUSED, ""),
        (Reason.KEY_REUSED, Code.INVALID_ARGUMENT, "", {}),
    ),
    "without what it must tell": (
        WireError(Reason.SESSION_HELD, "held"),
        (Reason.TRANSPORT, Code.ABORTED, "held", {}),
    ),
    "of the transport": (
        WireError(Reason.TRANSPORT, "too late", Code.DEADLINE_EXCEEDED, {"lost": "on the way"}),
        (Reason.TRANSPORT, Code.DEADLINE_EXCEEDED, "too late", {}),
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
@over_a_wire
def test_of_a_refusal_arrives_what_a_status_can_carry(world, name):
    raised, expected = REFUSALS[name]

    def refuse(_request):
        raise raised

    world.service.treat = refuse
    transport = world.transport()
    request = GRADIENTS.write_request(pb.GetGradientsRequest())
    for fail in (asked(transport).result, lambda: [*transport.stream("GetGradients", request, SECONDS)]):
        with pytest.raises(WireError) as caught:
            fail()
        error = caught.value
        assert (error.reason, error.code, error.message, error.details) == expected


@in_all
def test_each_of_many_requests_in_flight_gets_its_own_answer(world):
    transport, sent = world.transport(), [b"%d" % number for number in range(60)]
    pending = {data: asked(transport, data) for data in sent}
    assert [heard(pending[data], data) for data in reversed(sent)] == sent[::-1]
    assert sorted(world.service.heard) == sorted(sent)


@over_a_wire
def test_a_request_that_is_not_answered_in_time_fails_and_the_next_is_answered(world):
    transport, gate = world.transport(), world.gate()
    world.service.treat = gate.enter
    pending = asked(transport, timeout=1.0)
    gate.wait()
    assert failure_of(pending) == (Reason.TRANSPORT, Code.DEADLINE_EXCEEDED)

    gate.open()
    assert heard(asked(transport)) == b"hello"


@over_a_wire
def test_a_request_that_was_given_up_before_its_turn_is_not_carried_out(world):
    transport, gate = world.transport(), world.gate()
    world.service.treat = gate.enter
    first = asked(transport, b"first")
    gate.wait()
    assert failure_of(asked(transport, b"given up", timeout=0.5)) == (Reason.TRANSPORT, Code.DEADLINE_EXCEEDED)

    world.until_the_trunk_knows()
    last = asked(transport, b"last")
    gate.open()
    assert [heard(first, b"first"), heard(last, b"last")] == [b"first", b"last"]
    assert world.service.heard == [b"first", b"last"]


@over_a_wire
def test_nobody_who_listens_is_a_failure_of_the_transport(world):
    world.cut()
    transport = world.transport()
    assert failure_of(asked(transport)) == (Reason.TRANSPORT, Code.UNAVAILABLE)

    world.mend()
    world.until(answered_again(transport))


@over_a_wire
def test_what_is_in_flight_fails_with_its_connection(world):
    transport, gate = world.transport(), world.gate()
    world.service.treat = gate.enter
    pending = [asked(transport) for _ in range(3)]
    gate.wait()
    world.cut()
    assert {failure_of(each) for each in pending} == {(Reason.TRANSPORT, Code.UNAVAILABLE)}

    gate.open()
    world.mend()
    world.until(answered_again(transport))


@pytest.mark.parametrize("end", ["renew", "close"])
@over_a_wire
def test_what_is_in_flight_fails_when_its_connection_is_given_up(world, end):
    transport, gate = world.transport(), world.gate()
    world.service.treat = gate.enter
    pending = [asked(transport) for _ in range(3)]
    gate.wait()
    getattr(transport, end)()
    assert {failure_of(each) for each in pending} == {(Reason.TRANSPORT, Code.CANCELLED)}
    gate.open()


@over_a_wire
def test_a_renewed_connection_serves_at_once(world):
    transport = world.transport()
    transport.renew()
    assert heard(asked(transport)) == b"hello"
    transport.renew()
    transport.renew()
    assert heard(asked(transport)) == b"hello"


@in_all
def test_a_connection_may_be_closed_twice(world):
    used, unused = world.transport(), world.transport()
    assert heard(asked(used)) == b"hello"
    for transport in (used, unused):
        transport.close()
        transport.close()


@over_a_wire
def test_a_server_that_starts_again_is_found_again(world):
    transport = world.transport()
    assert heard(asked(transport)) == b"hello"
    world.stop()
    assert failure_of(asked(transport)) == (Reason.TRANSPORT, Code.UNAVAILABLE)

    world.serve()
    world.until(answered_again(transport))


@over_a_wire
def test_the_states_of_a_connection_are_told_in_their_order(world):
    told = []

    def passed():
        """Return the states reported, without repetitions and without CONNECTING, which gRPC may omit."""
        kept = [state for state in told if state != "CONNECTING"]
        return [state for number, state in enumerate(kept) if [state] != kept[max(0, number - 1) : number]]

    transport = world.transport(told.append)
    heard(asked(transport))
    world.until(lambda: passed() == ["READY"])
    world.cut()
    world.until(lambda: passed() == ["READY", "IDLE"])
    failure_of(asked(transport))
    world.until(lambda: passed() == ["READY", "IDLE", "TRANSIENT_FAILURE"])
    world.mend()
    world.until(answered_again(transport))
    world.until(lambda: passed() == ["READY", "IDLE", "TRANSIENT_FAILURE", "READY"])
