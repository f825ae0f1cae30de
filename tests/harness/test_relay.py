"""The relay passes every message on as it is, except those that it was asked to treat badly."""

import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import torch
from trunk.server import Trunk, hello_of

from harness.errors import HarnessError
from harness.relay import Mischief, Relay
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.grpc_transport import GrpcTransport
from splitlearn.wire.link import Commit, Position
from splitlearn.wire.reliable import ReliableCalls, RetryPolicy, SystemClock
from splitlearn.wire.remote import RemoteTrunk
from splitlearn.wire.status import refuse, wire_error

SECONDS = 30
SERVICE = "/splitlearn.wire.ComputeService/"
REFUSAL = WireError(Reason.STEP_IN_PAST, "step 3; the trunk has applied 4", details={"applied": "4"})


class Peer(grpc.GenericRpcHandler):
    """A server of any method, bytes in and bytes out, that does what a test asks for."""

    def __init__(self, address="127.0.0.1:0"):
        self.received = queue.Queue()
        self.given_up = threading.Event()
        self.answer = lambda body, _context: iter([body])
        self._threads = ThreadPoolExecutor(8)
        sizes = [("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)]
        self._server = grpc.server(self._threads, [self], options=sizes)
        self.address = f"127.0.0.1:{self._server.add_insecure_port(address)}"
        self._server.start()

    def service(self, details):
        def behavior(body, context):
            context.add_callback(self.given_up.set)
            self.received.put((details.method, body, dict(details.invocation_metadata), context.time_remaining()))
            yield from self.answer(body, context)

        return grpc.unary_stream_rpc_method_handler(behavior)

    def next_body(self):
        return self.received.get(timeout=SECONDS)[1]

    def stop(self):
        self._server.stop(None).wait(SECONDS)
        self._threads.shutdown()


@pytest.fixture
def peer():
    made = Peer()
    yield made
    made.stop()


class Notes(list):
    """What the relay told the trace."""

    def __call__(self, source, point, **fields):
        assert source == "relay"
        self.append((point.removeprefix("relay."), fields))


@pytest.fixture
def notes():
    return Notes()


@pytest.fixture
def relay(peer, notes):
    with Relay(peer.address, notes) as opened:
        yield opened


@pytest.fixture
def channel(relay):
    with grpc.insecure_channel(relay.address, [("grpc.max_receive_message_length", -1)]) as opened:
        yield opened


def ask(channel, method, body=b"x", timeout=SECONDS, metadata=()):
    """Send a request with one reply."""
    return channel.unary_unary(SERVICE + method).future(body, timeout=timeout, metadata=metadata)


def stream(channel, method, body=b"x"):
    """Send a request with many replies."""
    return channel.unary_stream(SERVICE + method)(body, timeout=SECONDS)


def assert_unavailable(call):
    error = wire_error(call, encrypted=False)
    assert (Code.UNAVAILABLE, Reason.TRANSPORT) == (error.code, error.reason)


def refusing(_body, context):
    refuse(context, REFUSAL)
    yield


def test_a_message_passes_with_its_metadata_and_deadline(peer, channel):
    def answer(body, context):
        context.send_initial_metadata([("before", "1"), ("before-bin", b"\x00\xff")])
        context.set_trailing_metadata([("after", "2")])
        yield body[::-1]

    peer.answer = answer
    body = bytes(range(256)) * (1 << 15)
    call = ask(channel, "Compute", body, timeout=20, metadata=[("authorization", "Bearer x"), ("key-bin", b"\x01")])

    assert body[::-1] == call.result()
    assert (("before", "1"), ("before-bin", b"\x00\xff")) == call.initial_metadata()
    assert (("after", "2"),) == call.trailing_metadata()
    method, received, metadata, seconds_left = peer.received.get(timeout=SECONDS)
    assert (SERVICE + "Compute", True) == (method, body == received)
    assert ("Bearer x", b"\x01") == (metadata["authorization"], metadata["key-bin"])
    assert 10 < seconds_left < 20


def test_a_request_without_a_deadline_goes_on_without_one(peer, channel):
    assert ask(channel, "Compute", timeout=None).result(SECONDS) == b"x"

    assert peer.received.get(timeout=SECONDS)[3] > 1e6


def test_a_refusal_passes_with_its_reason_and_details(peer, channel):
    peer.answer = refusing
    error = wire_error(ended(ask(channel, "Backward")), encrypted=False)

    said = (REFUSAL.reason, REFUSAL.code, REFUSAL.message, REFUSAL.details)
    assert said == (error.reason, error.code, error.message, error.details)


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_every_status_passes(peer, channel, code):
    peer.answer = lambda _body, context: context.abort(code, f"this is {code.name}")
    call = ended(ask(channel, "SyncTrainingState"))

    assert (code, f"this is {code.name}") == (call.code(), call.details())


def test_the_messages_of_a_stream_pass_one_by_one_and_then_its_end(peer, channel):
    heard = threading.Event()

    def answer(body, context):
        yield body + b"1"
        assert heard.wait(SECONDS)
        yield body + b"2"
        context.abort(grpc.StatusCode.DATA_LOSS, "no more")

    peer.answer = answer
    replies = stream(channel, "GetGradients")
    assert next(replies) == b"x1"
    heard.set()
    assert next(replies) == b"x2"
    with pytest.raises(grpc.RpcError):
        next(replies)
    assert (grpc.StatusCode.DATA_LOSS, "no more") == (replies.code(), replies.details())


def test_a_call_that_the_client_gives_up_is_given_up_upstream(peer, channel):
    go = threading.Event()
    peer.answer = lambda body, _context: iter([go.wait(SECONDS) and body])
    call = ask(channel, "Compute")
    assert peer.next_body() == b"x"
    assert not peer.given_up.is_set()
    call.cancel()

    assert peer.given_up.wait(SECONDS)
    go.set()


def ended(call):
    """Wait for the end of a call that must fail."""
    with pytest.raises(grpc.RpcError):
        call.result(SECONDS)
    return call


def test_a_lost_request_never_arrives(peer, relay, channel, notes):
    relay.arm(Mischief("Compute", "lose request"))

    assert ask(channel, "Backward", b"another method").result() == b"another method"
    assert_unavailable(ended(ask(channel, "Compute", b"lost")))
    assert ask(channel, "Compute", b"once").result() == b"once"
    assert [b"another method", b"once"] == [peer.next_body(), peer.next_body()]
    assert notes == [("request.lost", {"method": "Compute"})]


@pytest.mark.parametrize("call", [ask, stream])
def test_a_lost_reply_was_carried_out(peer, relay, channel, notes, call):
    relay.arm(Mischief("GetGradients", "lose reply"))
    lost = call(channel, "GetGradients")
    with pytest.raises(grpc.RpcError):
        list(lost) if call is stream else lost.result(SECONDS)

    assert_unavailable(lost)
    assert peer.next_body() == b"x"
    assert notes == [("reply.lost", {"method": "GetGradients", "code": "OK", "reason": ""})]


def test_a_lost_refusal_is_told_with_its_reason(peer, relay, channel, notes):
    peer.answer = refusing
    relay.arm(Mischief("Compute", "lose reply"))

    assert_unavailable(ended(ask(channel, "Compute")))
    assert notes == [("reply.lost", {"method": "Compute", "code": "OUT_OF_RANGE", "reason": "STEP_IN_PAST"})]


def test_a_doubled_request_arrives_twice_and_its_second_answer_is_given(peer, relay, channel, notes):
    replies = iter([b"same", b"same", b"first", b"second"])
    peer.answer = lambda _body, _context: iter([next(replies)])
    for answer in (b"same", b"second"):
        relay.arm(Mischief("OpenSession", "duplicate"))
        assert answer == ask(channel, "OpenSession", b"twice").result()

    assert [b"twice"] * 4 == [peer.next_body() for _ in range(4)]
    assert notes == [("request.doubled", {"method": "OpenSession", "same": same}) for same in (True, False)]


def test_an_answer_that_is_another_the_second_time_is_told_even_when_it_is_a_refusal(peer, relay, channel, notes):
    def first_the_body(body, _context):
        peer.answer = refusing
        yield body

    peer.answer = first_the_body
    relay.arm(Mischief("SyncTrainingState", "duplicate"))

    assert wire_error(ended(ask(channel, "SyncTrainingState")), encrypted=False).reason is Reason.STEP_IN_PAST
    assert notes == [("request.doubled", {"method": "SyncTrainingState", "same": False})]


def test_a_held_request_is_delivered_late(peer, relay, channel, notes):
    relay.arm(Mischief("Compute", "hold"))
    assert_unavailable(ended(ask(channel, "Compute", b"late", metadata=[("authorization", "Bearer x")])))
    assert ask(channel, "Compute", b"before").result() == b"before"
    relay.deliver_late()

    assert peer.next_body() == b"before"
    method, body, metadata, _ = peer.received.get(timeout=SECONDS)
    assert (SERVICE + "Compute", b"late", "Bearer x") == (method, body, metadata["authorization"])
    delivered = {"method": "Compute", "code": "OK", "reason": ""}
    assert notes == [("request.kept", {"method": "Compute"}), ("request.delivered", delivered)]
    with pytest.raises(HarnessError, match="holds no request"):
        relay.deliver_late()


@pytest.mark.parametrize("side", ["request", "reply"])
@pytest.mark.parametrize("body", [b"x", bytes(range(64))], ids=len)
def test_one_bit_is_altered_once(peer, relay, channel, notes, side, body):
    relay.arm(Mischief("GetGradients", f"corrupt {side}"))
    peer.answer = lambda body, _context: iter([body, body])
    first, second = stream(channel, "GetGradients", body)
    spoiled = peer.next_body() if side == "request" else first

    assert 1 == sum((a ^ b).bit_count() for a, b in zip(body, spoiled, strict=True))
    assert second == (spoiled if side == "request" else body)
    assert notes == [(f"{side}.corrupted", {"method": "GetGradients"})]
    assert [body, body] == list(stream(channel, "GetGradients", body)), "once"


def test_a_refusal_is_not_corrupted_but_the_next_reply_is(peer, relay, channel, notes):
    relay.arm(Mischief("Compute", "corrupt reply"))
    peer.answer, echo = refusing, peer.answer
    assert wire_error(ended(ask(channel, "Compute")), encrypted=False).reason is Reason.STEP_IN_PAST
    assert notes == []
    peer.answer, body = echo, b"a reply"

    assert body != ask(channel, "Compute", body).result()
    assert notes == [("reply.corrupted", {"method": "Compute"})]


def test_the_connection_is_made_again_when_the_peer_is_started_again(peer, channel):
    assert ask(channel, "Compute").result() == b"x"
    peer.stop()
    assert_unavailable(ended(ask(channel, "Compute")))
    again = Peer(peer.address)
    give_up_at = time.monotonic() + SECONDS

    while (call := ask(channel, "Compute", b"again")).code() is not grpc.StatusCode.OK:
        assert time.monotonic() < give_up_at
    assert call.result() == again.next_body() == b"again"
    again.stop()


def test_a_call_under_way_ends_with_the_relay(peer, notes):
    go = threading.Event()
    peer.answer = lambda body, _context: iter([go.wait(SECONDS) and body])
    with Relay(peer.address, notes) as relay, grpc.insecure_channel(relay.address) as channel:
        call = ask(channel, "Compute", timeout=None)
        assert peer.next_body() == b"x"
        relay.__exit__(None, None, None)
        assert grpc.StatusCode.OK is not ended(call).code()
        assert peer.given_up.wait(SECONDS)
        assert [thread.name for thread in threading.enumerate() if thread.name.startswith("relay")] == []
        go.set()
        with pytest.raises(HarnessError, match="holds no request"):
            relay.deliver_late()


def test_a_late_delivery_under_way_ends_with_the_relay(peer, notes):
    go = threading.Event()
    peer.answer = lambda body, _context: iter([go.wait(SECONDS) and body])
    with Relay(peer.address, notes) as relay, grpc.insecure_channel(relay.address) as channel:
        relay.arm(Mischief("Compute", "hold"))
        ended(ask(channel, "Compute"))
        delivery = threading.Thread(target=relay.deliver_late)
        delivery.start()
        assert peer.next_body() == b"x"
    delivery.join(SECONDS)
    assert not delivery.is_alive()
    assert notes[-1] == ("request.delivered", {"method": "Compute", "code": "CANCELLED", "reason": ""})
    go.set()


def test_a_delivery_after_the_end_is_refused(peer, notes):
    with Relay(peer.address, notes) as relay, grpc.insecure_channel(relay.address) as channel:
        relay.arm(Mischief("Compute", "hold"))
        ended(ask(channel, "Compute"))
    with pytest.raises(HarnessError, match="has ended"):
        relay.deliver_late()


class Run:
    """A real trunk behind a relay, and clients of it."""

    def __init__(self, config, notes):
        self.config = config
        self.failures = []
        self._trunk = Trunk(config, max_sessions=2)
        self._transports = []
        self.relay = Relay(self._trunk.address, notes)

    def client(self):
        self._transports.append(GrpcTransport(self.config.but(trunk_address=self.relay.address), lambda _: None))
        policy = RetryPolicy(SECONDS, SECONDS, first_delay=0.001, max_delay=0.01)

        def failed(method, error, _count):
            self.failures.append((method, error.reason))

        return RemoteTrunk(ReliableCalls(self._transports[-1], policy, SystemClock(), failed), self.config)

    def stop(self):
        for transport in self._transports:
            transport.close()
        with self.relay:
            pass
        self._trunk.stop()


@pytest.fixture
def run(config, notes):
    made = Run(config, notes)
    yield made
    made.stop()


ONLY = Position(0, 0, 1)
HIDDEN = torch.randn(2, 6, 32, generator=torch.Generator().manual_seed(0))
MASK = torch.ones(2, 6, dtype=torch.int64)


def step_of(client, hello):
    """Train one step; gives everything that the trunk answered."""
    welcome = client.open(hello)
    features = client.forward(ONLY, HIDDEN, MASK, None).result()
    backward = client.backward(ONLY, HIDDEN).result()
    gradients = client.gradients(0)
    state = client.save(1, Commit(0, 0.1, None, skip=False))
    tensors = [features, backward.smashed_grad_BTH, *gradients.values()]
    return welcome.fingerprint, state, backward.norms, [tensor.numpy().tobytes() for tensor in tensors]


METHODS = ("OpenSession", "Compute", "Backward", "GetGradients", "SyncTrainingState")
ANYWHERE = [(method, kind) for method in METHODS for kind in ("lose request", "lose reply", "duplicate", "hold")]
DAMAGED = [(method, f"corrupt {side}") for method in METHODS for side in ("request", "reply")]


@pytest.mark.parametrize(("method", "kind"), [*ANYWHERE, *DAMAGED])
def test_a_client_gets_the_same_bits_from_a_real_trunk_whatever_the_relay_does(run, config, notes, method, kind):
    expected = step_of(run.client(), hello_of(config, session="undisturbed"))
    assert (run.failures, notes) == ([], [])
    run.relay.arm(Mischief(method, kind))

    assert expected == step_of(run.client(), hello_of(config, session="disturbed"))
    assert [method] == [fields["method"] for _, fields in notes]
    if kind == "duplicate":
        assert notes[0][1]["same"]
    else:
        reason = Reason.CORRUPT if kind.startswith("corrupt") else Reason.TRANSPORT
        assert [(method, reason)] == run.failures


def test_a_request_that_comes_when_another_client_took_over_is_refused(run, config, notes):
    first, hello = run.client(), hello_of(config)
    first.open(hello)
    run.relay.arm(Mischief("Compute", "hold"))
    answer = first.forward(ONLY, HIDDEN, MASK, None)
    with pytest.raises(WireError, match="kept back"):
        answer._attempt.result()
    run.client().open(hello)
    run.relay.deliver_late()

    refused = {"method": "Compute", "code": "ABORTED", "reason": "STALE_INCARNATION"}
    assert ("request.delivered", refused) == notes[-1]
