import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import RETRYABLE_TRANSPORT_CODES, Code, Reason, WireError
from splitlearn.wire.reliable import ReliableCalls, RetryPolicy

REQUEST = pb.ComputeRequest()
REPLY = pb.ComputeReply()


class FakeClock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.time = 1000.0
        self.slept = []

    def now(self):
        """Give the time."""
        return self.time

    def sleep(self, seconds):
        """Let time pass."""
        self.slept.append(seconds)
        self.time += seconds


class FakeTransport:
    """Answers with the given outcomes in turn, the last one for ever; each attempt takes `duration` seconds."""

    def __init__(self, clock, outcomes, duration=0.0):
        self.clock, self.outcomes, self.duration = clock, list(outcomes), duration
        self.sent = []

    def call(self, method, request, timeout):
        """Note the request; the answer comes when it is asked for."""
        self.sent.append((method, request, timeout))
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        return Answer(self, outcome)


class Answer:
    """One attempt."""

    def __init__(self, transport, outcome):
        self.transport, self.outcome = transport, outcome

    def result(self):
        """Take the attempt's time, then answer or fail."""
        self.transport.clock.time += self.transport.duration
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def as_it_is(reply):
    return reply


def broken(code=Code.UNAVAILABLE):
    return WireError(Reason.TRANSPORT, "connection lost", code)


def calls_with(*outcomes, patience=10.0, duration=0.0, first_delay=0.05, max_delay=2.0):
    clock, failures = FakeClock(), []
    transport = FakeTransport(clock, outcomes, duration)
    policy = RetryPolicy(60.0, patience, first_delay, max_delay)
    return ReliableCalls(transport, policy, clock, lambda *failure: failures.append(failure)), failures


def test_a_request_is_sent_before_its_answer_is_awaited():
    calls, _ = calls_with(REPLY)
    pending = [calls.call("Compute", REQUEST, as_it_is) for _ in range(3)]

    assert calls.transport.sent == [("Compute", REQUEST, 60.0)] * 3
    assert [call.result() for call in pending] == [REPLY] * 3
    assert calls.clock.slept == []


@pytest.mark.parametrize("code", sorted(RETRYABLE_TRANSPORT_CODES, key=lambda code: code.value))
def test_a_broken_connection_is_tried_again(code):
    calls, failures = calls_with(broken(code), broken(code), REPLY)

    assert REPLY is calls.call("Backward", REQUEST, as_it_is).result()
    assert len(calls.transport.sent) == 3
    assert all(request is REQUEST for _, request, _ in calls.transport.sent), "the same request"
    assert [(method, attempt) for method, _, attempt in failures] == [("Backward", 1), ("Backward", 2)]


@pytest.mark.parametrize("reason", [Reason.CORRUPT, Reason.OUT_OF_ORDER])
def test_a_refusal_that_may_pass_is_tried_again(reason):
    calls, _ = calls_with(WireError(reason, "not now"), REPLY)

    assert REPLY is calls.call("Backward", REQUEST, as_it_is).result()


def test_a_reply_that_arrived_damaged_is_asked_for_again():
    calls, failures = calls_with(pb.ComputeReply(), REPLY)
    seen = []

    def read(reply):
        seen.append(reply)
        if len(seen) == 1:
            raise WireError(Reason.CORRUPT, "checksum")
        return "read"

    assert calls.call("Compute", REQUEST, read).result() == "read"
    assert len(calls.transport.sent) == 2
    assert len(failures) == 1


def test_a_reply_that_is_wrong_is_not_asked_for_again():
    calls, _ = calls_with(REPLY)

    def read(_reply):
        raise WireError(Reason.BAD_SHAPE, "shape")

    with pytest.raises(WireError, match="shape"):
        calls.call("Compute", REQUEST, read).result()
    assert len(calls.transport.sent) == 1


FINAL = [reason for reason in Reason if reason not in (Reason.TRANSPORT, Reason.CORRUPT, Reason.OUT_OF_ORDER)]


@pytest.mark.parametrize("reason", FINAL)
def test_any_other_refusal_is_raised_at_once(reason):
    refusal = WireError(reason, "no")
    calls, failures = calls_with(refusal, REPLY)
    with pytest.raises(WireError) as caught:
        calls.call("Compute", REQUEST, as_it_is).result()
    assert refusal is caught.value
    assert (len(calls.transport.sent), calls.clock.slept, failures) == (1, [], [])


@pytest.mark.parametrize(
    "code", [code for code in Code if code not in RETRYABLE_TRANSPORT_CODES], ids=lambda code: code.name
)
def test_a_failure_that_no_repetition_mends_is_raised_at_once(code):
    calls, _ = calls_with(broken(code), REPLY)
    with pytest.raises(WireError):
        calls.call("Compute", REQUEST, as_it_is).result()
    assert len(calls.transport.sent) == 1


def test_pauses_double_up_to_the_limit():
    calls, _ = calls_with(*[broken()] * 8, REPLY, patience=100)
    calls.call("Compute", REQUEST, as_it_is).result()

    assert calls.clock.slept == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


def test_patience_counts_from_the_first_failure():
    """An attempt that took long to fail does not use it up."""
    calls, _ = calls_with(broken(), REPLY, patience=1, duration=50)

    assert REPLY is calls.call("Compute", REQUEST, as_it_is).result()


@given(patience=st.floats(0.06, 500), duration=st.floats(0, 70))
def test_a_call_is_given_up_when_patience_is_used_up(patience, duration):
    calls, failures = calls_with(broken(Code.DEADLINE_EXCEEDED), patience=patience, duration=duration)
    with pytest.raises(WireError) as caught:
        calls.call("Compute", REQUEST, as_it_is).result()

    assert (caught.value.reason, caught.value.code) == (Reason.TRANSPORT, Code.DEADLINE_EXCEEDED)
    assert f"Compute: {len(failures)} attempts failed" in caught.value.message
    assert "connection lost" in caught.value.message
    waited = calls.clock.time - 1000 - duration  # since the first failure
    assert waited <= patience + duration
    assert len(failures) == len(calls.transport.sent)


def test_each_call_has_its_own_patience():
    calls, _ = calls_with(broken(), REPLY, broken(), REPLY, patience=0.06)
    for _ in range(2):
        assert REPLY is calls.call("Compute", REQUEST, as_it_is).result()


def test_every_reason_has_a_code():
    assert all(isinstance(WireError(reason, "").code, Code) for reason in Reason)
