"""Reliable calls over a transport that answers as it is told, at a clock that notes pauses."""

from wire.clock import NotingClock

from splitlearn.runtime.simulated import ManualClock
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.checksum import checksum_of
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.methods import METHODS
from splitlearn.wire.reliable import ReliableCalls, RetryPolicy

REQUEST = pb.ComputeRequest(inference=True)
REPLY = pb.ComputeReply(stopping=True)
COMPUTE = METHODS["Compute"]


class FakeTransport:
    """Answers with the given outcomes in turn, the last one forever; each attempt takes `duration` seconds."""

    def __init__(self, clock, outcomes, duration=0.0):
        self.clock, self.outcomes, self.duration = clock, list(outcomes), duration
        self.sent, self.renewed_after = [], []

    def call(self, method, request, timeout):
        """Note the request; the answer comes when it is asked for."""
        self.sent.append((method, request, timeout))
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        return Answer(self, outcome, request)

    def take_time(self):
        """Let an attempt's time pass, which is no pause of the client's."""
        ManualClock.sleep(self.clock, self.duration)

    def renew(self):
        """Note after how many requests."""
        self.renewed_after.append(len(self.sent))


class Answer:
    """One attempt."""

    def __init__(self, transport, outcome, request):
        self.transport, self.outcome, self.request = transport, outcome, request

    def result(self):
        """Take the attempt's time, then answer or fail."""
        self.transport.take_time()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        if isinstance(self.outcome, bytes):
            return self.outcome
        return next(COMPUTE.write_replies([self.outcome], checksum_of(self.request)))


def as_it_is(reply):
    return reply


def broken(code=Code.UNAVAILABLE):
    return WireError(Reason.TRANSPORT, "connection lost", code)


def calls_with(*outcomes, timeout=60.0, retry_timeout=10.0, duration=0.0, first_delay=0.05, max_delay=2.0):
    clock, failures = NotingClock(), []
    transport = FakeTransport(clock, outcomes, duration)
    policy = RetryPolicy(timeout, retry_timeout, first_delay, max_delay)
    return ReliableCalls(transport, policy, clock, lambda *failure: failures.append(failure)), failures
