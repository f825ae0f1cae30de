"""Any answer that is not in the form of the trunk's service is a transport failure, and the call is retried."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from trunk.server import Trunk, hello_of

from splitlearn.runtime.simulated import simulated_runtime
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.checksum import checksum_of, origin_of, with_checksum
from splitlearn.wire.errors import CODES, Code, Reason, WireError
from splitlearn.wire.grpc_transport import GrpcTransport
from splitlearn.wire.reliable import RENEW_AFTER, ReliableCalls, RetryPolicy
from splitlearn.wire.remote import RemoteTrunk
from splitlearn.wire.status import status_of, wire_error
from splitlearn.wire.trunk_link import Hello, Welcome

SECONDS = 30
DETAILS = "grpc-status-details-bin"
WELCOME = pb.OpenSessionReply(incarnation=7, applied_step=0, fingerprint="f", max_message_bytes=1 << 20)


class Liar(grpc.GenericRpcHandler):
    """A server that says what a test wants, to whatever it is asked."""

    def __init__(self):
        self.said, self.connections = [], set()
        self._threads = ThreadPoolExecutor(4)
        self._server = grpc.server(self._threads, [self])
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def service(self, _details):
        def behavior(body, context):
            self.connections.add(context.peer())
            yield from (self.said.pop(0) if len(self.said) > 1 else self.said[0])(body, context)

        return grpc.unary_stream_rpc_method_handler(behavior)

    def stop(self):
        self._server.stop(None).wait(SECONDS)
        self._threads.shutdown()


@pytest.fixture
def liar():
    made = Liar()
    yield made
    made.stop()


@pytest.fixture
def client(liar, config):
    """A link whose pauses take no time, and the failures that it met."""
    transport, failures = GrpcTransport(config.but(trunk_address=liar.address), lambda _: None), []
    runtime = simulated_runtime()
    calls = ReliableCalls(
        transport, RetryPolicy(SECONDS, 60.0), runtime.clock, lambda _method, error, _count: failures.append(error)
    )
    yield RemoteTrunk(calls, config, runtime), failures
    transport.close()


def honest(body, _context):
    yield with_checksum(WELCOME.SerializeToString(), checksum_of(body))


def status(code=Code.ABORTED, message="no", details=(), trailer=None, said=None):
    """End the call with a status, and with details that may say something else."""

    def answer(_body, context):
        packed = []
        for info in details:
            packed.append(AnyMessage())
            packed[-1].Pack(info)
        body = Status(code=code.value, message=message, details=packed).SerializeToString()
        context.set_trailing_metadata([(DETAILS, body if trailer is None else trailer)])
        context.abort((said or grpc_code(code))[0], (said or (None, message))[1])
        yield

    return answer


def grpc_code(code):
    return next(c for c in grpc.StatusCode if c.value[0] == code.value), code.name


def refusing(error):
    def answer(_body, context):
        context.abort_with_status(status_of(error))
        yield

    return answer


def held(**details):
    return refusing(WireError(Reason.SESSION_HELD, "held", details=details))


def no_message(_body, _context):
    yield from ()


def plain(code, words):
    def answer(_body, context):
        context.abort(code, words)
        yield

    return answer


def saying(data):
    def answer(_body, _context):
        yield data

    return answer


def of_another_request(_body, _context):
    yield with_checksum(WELCOME.SerializeToString(), checksum_of(with_checksum(b"", origin_of("OpenSession"))))


def checksummed_reply(reply):
    def answer(body, _context):
        yield with_checksum(reply, checksum_of(body))

    return answer


OURS = ErrorInfo(reason="STEP_IN_PAST", domain="splitlearn")
ABORTED = grpc.StatusCode.ABORTED
LIES = {
    "OK without a message": no_message,
    "a reply without a checksum": saying(b""),
    "a reply that is no message": checksummed_reply(b"\xff\xff"),
    "a reply to another request": of_another_request,
    "an opening at a step that was not offered": checksummed_reply(
        pb.OpenSessionReply(incarnation=7, applied_step=10**18).SerializeToString()
    ),
    "an incarnation of 0": checksummed_reply(pb.OpenSessionReply().SerializeToString()),
    "details that are no status": status(trailer=b"\xff\xff\xff"),
    "details with words that are no text": status(trailer=b"\x12\x02\xc3\x28"),
    "details of another code": status(said=(grpc.StatusCode.NOT_FOUND, "no"), details=[OURS]),
    "details of another message": status(said=(ABORTED, "yes"), details=[OURS]),
    "details without a reason": status(),
    "a reason that nobody knows": status(details=[ErrorInfo(reason="WHIM", domain="splitlearn")]),
    "a reason of another service": status(details=[ErrorInfo(reason="MISMATCH", domain="elsewhere")]),
    "a reason with the code of another": status(details=[ErrorInfo(reason="MISMATCH", domain="splitlearn")]),
    "a refusal without its checksum": status(
        Code.OUT_OF_RANGE, details=[OURS], said=(grpc.StatusCode.OUT_OF_RANGE, "no")
    ),
    "an incarnation that is no number": held(incarnation="seven", client="c"),
    "an incarnation below 0": held(incarnation="-1", client="c"),
    "an incarnation above all": held(incarnation=str(10**30), client="c"),
    "an incarnation in other digits": held(incarnation="\N{SUPERSCRIPT TWO}", client="c"),
    "a holder without an incarnation": held(client="c"),
    "a holder without a name": held(incarnation="7"),
    "no single message": plain(grpc.StatusCode.UNIMPLEMENTED, "b'' requires exactly one request message"),
    "no method": plain(grpc.StatusCode.UNIMPLEMENTED, "Method not found!"),
    "a size that nobody sent": plain(
        grpc.StatusCode.RESOURCE_EXHAUSTED, "Received message larger than max (1073742533 vs. 269484032)"
    ),
    "UNAUTHENTICATED by somebody else": plain(grpc.StatusCode.UNAUTHENTICATED, "no"),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_lie_is_a_failure_of_the_transport_and_asked_again(liar, client, lie):
    link, failures = client
    liar.said = [lie, honest]

    assert Welcome(7, 0, "f") == link.open(Hello("run", {}))
    assert 1 == len(failures)
    assert failures[0].reason in (Reason.TRANSPORT, Reason.CORRUPT)


def test_a_peer_that_only_lies_is_given_up_when_the_retry_timeout_has_passed(liar, client):
    link, failures = client
    link._calls.policy = RetryPolicy(SECONDS, 10.0)
    liar.said = [*LIES.values()] * 2

    with pytest.raises(WireError, match="attempts failed within 10 s") as caught:
        link.open(Hello("run", {}))
    assert Reason.TRANSPORT is caught.value.reason
    assert len(failures) > RENEW_AFTER


@pytest.mark.parametrize("reason", [r for r in Reason if not WireError(r, "").retryable], ids=lambda r: r.value)
def test_a_refusal_of_ours_is_believed(liar, client, reason):
    link, _ = client
    liar.said = [refusing(WireError(reason, "no", details={"incarnation": "1", "client": "another"}))]
    link._conversation.incarnation = 1  # one that opens again takes nothing over

    with pytest.raises(WireError) as caught:
        link.open(Hello("run", {}))
    expected = Reason.STALE_INCARNATION if reason is Reason.SESSION_HELD else reason
    assert (expected, CODES[expected], "no") == (caught.value.reason, caught.value.code, caught.value.message)


class Failed:
    """A call that ended with a code and with details."""

    def __init__(self, code, details):
        self.ending = code, details

    def code(self):
        return self.ending[0]

    def details(self):
        return "words of gRPC"

    def trailing_metadata(self):
        return ((DETAILS, self.ending[1]),)


def test_no_altered_bit_makes_another_refusal():
    refusal = status_of(WireError(Reason.SESSION_HELD, "held", details={"incarnation": "1", "client": "ab"}))
    trailer = dict(refusal.trailing_metadata)[DETAILS]

    def read(details, code=ABORTED):
        error = wire_error(Failed(code, details), encrypted=False)
        return error.reason, error.message, error.details

    def altered(k, bit):
        return read(bytes(byte ^ (1 << bit) if i == k else byte for i, byte in enumerate(trailer)))

    said = (Reason.SESSION_HELD, "held", {"incarnation": "1", "client": "ab"})
    lost = (Reason.TRANSPORT, "words of gRPC", {})
    assert said == read(trailer)
    assert lost == read(trailer, grpc.StatusCode.NOT_FOUND)
    readings = [altered(k, bit) for k in range(len(trailer)) for bit in range(8)]
    # Protobuf does not mind which host a type's address names.
    assert all(reading in (said, lost) for reading in readings)
    assert readings.count(lost) > 0.7 * len(readings)


def test_words_of_a_peer_do_nothing_to_a_terminal(liar, client):
    link, _ = client
    liar.said = [refusing(WireError(Reason.MISMATCH, "model is \x1b[2J\x07\r\n\u202eyes \N{SNOWMAN}"))]

    with pytest.raises(WireError) as caught:
        link.open(Hello("run", {}))
    assert r"model is \x1b[2J\x07\r\n\u202eyes ☃" == caught.value.message
    assert str(caught.value).isprintable()


def test_after_failures_in_a_row_a_new_connection_is_made(liar, client):
    """Channels that shared connections would get the old one back."""
    link, failures = client
    liar.said = [no_message] * (2 * RENEW_AFTER) + [honest]

    assert Welcome(7, 0, "f") == link.open(Hello("run", {}))
    assert 2 * RENEW_AFTER == len(failures)
    assert 3 == len(liar.connections)


def test_a_refused_token_is_believed_when_a_new_connection_gets_it_too(liar, client):
    link, failures = client
    refused = refusing(WireError(Reason.UNAUTHENTICATED, "the token is not the trunk's"))
    liar.said = [refused, honest]
    assert Welcome(7, 0, "f") == link.open(Hello("run", {}))
    liar.said = [refused]
    with pytest.raises(WireError, match="the token is not the trunk's"):
        link.query()

    assert [Reason.UNAUTHENTICATED] * 2 == [error.reason for error in failures]
    assert 3 == len(liar.connections)


def test_a_real_trunk_is_opened_through_the_same_link(config):
    trunk = Trunk(config)
    try:
        assert trunk.link().open(hello_of(config)).incarnation
    finally:
        trunk.stop()
