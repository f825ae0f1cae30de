"""A heartbeat reaches the trunk though nobody needs its answer, and blocks nobody."""

import threading

import pytest
from trunk.server import Trunk, hello_of

from splitlearn.runtime import real_runtime
from splitlearn.runtime.simulated import ManualClock
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.methods import METHODS
from splitlearn.wire.reliable import RENEW_AFTER, ReliableCalls, RetryPolicy
from splitlearn.wire.remote import RemoteTrunk

SECONDS = 30.0


@pytest.fixture
def trunk(config):
    """A trunk that gives up a silent client's place, by the test's clock."""
    clock = ManualClock()
    made = Trunk(config, idle_timeout=40.0, clock=clock)
    made.clock = clock
    yield made
    made.stop()


def link_to(trunk, wrap=lambda transport: transport):
    """Connect a client that has the trunk's clock, and open its session."""
    policy = RetryPolicy(SECONDS, SECONDS)
    link = RemoteTrunk(
        ReliableCalls(wrap(trunk.transport()), policy, trunk.clock, lambda *_: None), trunk.config, real_runtime()
    )
    link.open(hello_of(trunk.config))
    return link


def test_a_beat_arrives_though_the_connection_must_first_be_made_anew(trunk, config):
    link = link_to(trunk)
    for _ in range(60):
        trunk.clock.sleep(1.0)
        if trunk.clock.now() % 6 == 0:
            link._calls.transport.renew()
            link.beat()
        trunk.service.close_idle()
    assert config.session in trunk.service._sessions


def test_a_beat_that_is_refused_is_left_for_the_next_call_to_find_out(trunk):
    link = link_to(trunk)
    trunk.service._admission.close("default")
    trunk.clock.sleep(20.0)
    link.beat()
    with pytest.raises(WireError) as caught:
        link.query()
    assert Reason.UNKNOWN_SESSION is caught.value.reason


def is_query(method, request):
    message = METHODS[method].read_request(request)
    return method == "SyncTrainingState" and message.action == pb.SyncTrainingStateRequest.ACTION_QUERY


class HoldsBeats:
    """A transport on which a beat is answered when the connection is given up."""

    def __init__(self, transport):
        self._transport = transport
        self.asked, self.closed = threading.Event(), threading.Event()

    def call(self, method, request, timeout):
        if is_query(method, request):
            return self
        return self._transport.call(method, request, timeout)

    def result(self):
        self.asked.set()
        assert self.closed.wait(SECONDS)
        raise WireError(Reason.TRANSPORT, "the connection was given up")

    def close(self):
        self.closed.set()


def test_closing_does_not_wait_for_a_beat_in_flight(trunk):
    link = link_to(trunk, wrap=HoldsBeats)
    trunk.clock.sleep(20.0)
    beat = threading.Thread(target=link.beat)
    beat.start()
    assert link._calls.transport.asked.wait(SECONDS)
    link.close()
    beat.join(SECONDS)
    assert not beat.is_alive()


class FailsBeats:
    """A transport on which beats fail; counts how often the connection is made anew."""

    def __init__(self, transport, code):
        self._transport, self._code = transport, code
        self.renewals = 0

    def call(self, method, request, timeout):
        if is_query(method, request):
            return self
        return self._transport.call(method, request, timeout)

    def result(self):
        raise WireError(Reason.TRANSPORT, "no such method", self._code)

    def renew(self):
        self.renewals += 1

    def close(self):
        self._transport.close()


def beat(link, trunk, times):
    for _ in range(times):
        trunk.clock.sleep(6.0)
        link.beat()


def test_a_connection_on_which_beats_fail_again_and_again_is_made_anew(trunk):
    """Its header table can be wrong permanently, and a client that computes makes no other call."""
    link = link_to(trunk, wrap=lambda transport: FailsBeats(transport, Code.UNIMPLEMENTED))
    beat(link, trunk, RENEW_AFTER - 1)
    assert link._calls.transport.renewals == 0
    beat(link, trunk, 1)
    assert link._calls.transport.renewals == 1
    beat(link, trunk, RENEW_AFTER)
    assert link._calls.transport.renewals == 2


@pytest.mark.parametrize("code", [Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED, Code.CANCELLED])
def test_a_busy_trunk_keeps_its_connection_whatever_becomes_of_beats(trunk, code):
    """Closing it would end the very call with which the trunk is busy."""
    link = link_to(trunk, wrap=lambda transport: FailsBeats(transport, code))
    beat(link, trunk, 2 * RENEW_AFTER)
    assert link._calls.transport.renewals == 0


def test_a_connection_that_was_hung_up_is_not_made_anew(trunk):
    link = link_to(trunk, wrap=lambda transport: FailsBeats(transport, Code.UNIMPLEMENTED))
    beat(link, trunk, RENEW_AFTER - 1)
    link._calls.transport.result = lambda: (link.hang_up(), FailsBeats.result(link._calls.transport))
    beat(link, trunk, 1)
    assert link._calls.transport.renewals == 0


def test_a_call_that_is_answered_between_failed_beats_clears_the_connection(trunk):
    link = link_to(trunk, wrap=lambda transport: FailsBeats(transport, Code.UNIMPLEMENTED))
    for _ in range(3):
        beat(link, trunk, RENEW_AFTER - 1)
        link.open(hello_of(trunk.config))
    assert link._calls.transport.renewals == 0


def test_a_refusal_of_a_beat_is_an_answer(trunk):
    link = link_to(trunk, wrap=lambda transport: FailsBeats(transport, Code.UNIMPLEMENTED))
    failing = link._calls.transport.result
    for _ in range(3):
        link._calls.transport.result = failing
        beat(link, trunk, RENEW_AFTER - 1)
        link._calls.transport.result = refuse
        beat(link, trunk, 1)
    assert link._calls.transport.renewals == 0


def refuse():
    raise WireError(Reason.UNKNOWN_SESSION, "no such session")
