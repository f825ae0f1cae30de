import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire.clock import NotingClock

from splitlearn.runtime.simulated import ManualClock
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.checksum import checksum_of, with_checksum
from splitlearn.wire.deadlines import SLACK, SLOWEST
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.methods import METHODS
from splitlearn.wire.reliable import RENEW_AFTER, ReliableCalls, RetryPolicy

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


def test_a_request_is_sent_before_its_answer_is_awaited():
    calls, _ = calls_with(REPLY)
    pending = [calls.call("Compute", REQUEST, as_it_is) for _ in range(3)]

    assert calls.transport.sent == [("Compute", COMPUTE.write_request(REQUEST), 60.0)] * 3
    assert [call.result() for call in pending] == [REPLY] * 3
    assert calls.clock.pauses == []


@pytest.mark.parametrize("code", Code, ids=lambda code: code.name)
def test_a_failure_of_the_transport_is_tried_again_whatever_its_code(code):
    calls, failures = calls_with(broken(code), broken(code), REPLY)

    assert REPLY == calls.call("Compute", REQUEST, as_it_is).result()
    assert len(calls.transport.sent) == 3
    assert {COMPUTE.write_request(REQUEST)} == {request for _, request, _ in calls.transport.sent}, "the same bytes"
    assert [(method, attempt) for method, _, attempt in failures] == [("Compute", 1), ("Compute", 2)]


@pytest.mark.parametrize("reason", [Reason.CORRUPT, Reason.OUT_OF_ORDER])
def test_a_refusal_that_may_pass_is_tried_again(reason):
    calls, _ = calls_with(WireError(reason, "not now"), REPLY)

    assert REPLY == calls.call("Compute", REQUEST, as_it_is).result()


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


UNREADABLE = {
    "altered": (b"no reply", Reason.CORRUPT),
    "to another request": (next(COMPUTE.write_replies([REPLY], 7)), Reason.CORRUPT),
    "no message": (with_checksum(b"\xff\xff", checksum_of(COMPUTE.write_request(REQUEST))), Reason.TRANSPORT),
}


@pytest.mark.parametrize(("reply", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_bytes_that_are_no_reply_to_the_request_are_asked_for_again(reply, reason):
    calls, failures = calls_with(reply, REPLY)

    assert REPLY == calls.call("Compute", REQUEST, as_it_is).result()
    assert [reason] == [error.reason for _, error, _ in failures]


def test_a_call_has_the_time_that_its_bytes_need():
    calls, _ = calls_with(REPLY, retry_timeout=1e6)
    large = pb.ComputeRequest(smashed=pb.Tensor(data=bytes(10 << 20)))
    calls.call("Compute", large, as_it_is)

    ((_, data, timeout),) = calls.transport.sent
    assert timeout == SLACK * len(data) / SLOWEST


def test_a_call_has_the_time_that_its_reply_needs():
    calls, _ = calls_with(REPLY, retry_timeout=1e6)
    calls.call("Compute", REQUEST, as_it_is, 10 << 20).result()
    calls.call("Compute", REQUEST, as_it_is, 20 << 20)
    calls.call("Compute", REQUEST, as_it_is, 20 << 20)

    nbytes = len(COMPUTE.write_request(REQUEST))
    expected = [(10 << 20) + nbytes, (20 << 20) + nbytes, 2 * ((20 << 20) + nbytes)]
    assert [SLACK * each / SLOWEST for each in expected] == [timeout for *_, timeout in calls.transport.sent]


def test_an_attempt_takes_no_longer_than_is_left_to_retry_or_the_timeout():
    calls, _ = calls_with(broken(Code.DEADLINE_EXCEEDED), retry_timeout=300.0, duration=100.0)
    with pytest.raises(WireError, match="4 attempts failed"):
        calls.call("Compute", REQUEST, as_it_is, 1 << 30).result()

    assert pytest.approx([300.0, 299.95, 199.85, 99.65]) == [timeout for *_, timeout in calls.transport.sent]


@pytest.mark.parametrize("stopped", [0.0, 100.0])
def test_the_time_for_which_the_client_was_stopped_does_not_count(stopped):
    calls, _ = calls_with(broken(), broken(), REPLY, timeout=5.0, retry_timeout=10.0)
    pending = calls.call("Compute", REQUEST, as_it_is)
    answers = iter([0.0, 5.0 + stopped, 5.0])
    calls.transport.take_time = lambda: calls.clock.sleep(next(answers))

    assert REPLY == pending.result()


def test_the_time_for_which_the_client_was_stopped_between_two_attempts_does_not_count():
    calls, _ = calls_with(broken(), broken(), REPLY, retry_timeout=10.0)
    sleep = calls.clock.sleep
    calls.clock.sleep = lambda seconds: sleep(seconds + 100.0)

    assert REPLY == calls.call("Compute", REQUEST, as_it_is).result()


def test_a_client_that_was_not_stopped_gives_up():
    calls, _ = calls_with(broken(), timeout=5.0, retry_timeout=10.0, duration=5.0)
    with pytest.raises(WireError, match="3 attempts failed within 10 s"):
        calls.call("Compute", REQUEST, as_it_is).result()


def test_an_answer_measures_the_bandwidth():
    calls, _ = calls_with(REPLY, duration=10.0)
    calls.call("Compute", REQUEST, as_it_is, (10 << 20) - len(COMPUTE.write_request(REQUEST))).result()

    assert calls.deadlines.bandwidth == 1 << 20


def test_a_single_attempt_is_not_repeated():
    calls, failures = calls_with(broken(), REPLY)
    with pytest.raises(WireError, match="connection lost"):
        calls.attempt("Compute", REQUEST, 5.0).result()
    assert [("Compute", COMPUTE.write_request(REQUEST), 5.0)] == calls.transport.sent
    assert failures == []
    assert REPLY == calls.attempt("Compute", REQUEST, 5.0).result()


def test_a_reply_that_no_trunk_gives_is_asked_for_again_and_given_up_with_its_flaw():
    calls, failures = calls_with(REPLY)

    def read(_reply):
        raise WireError(Reason.BAD_SHAPE, "shape 7")

    with pytest.raises(WireError, match="shape 7") as caught:
        calls.call("Compute", REQUEST, read).result()
    assert Reason.TRANSPORT is caught.value.reason
    assert len(calls.transport.sent) == len(failures) > 2


def test_a_reply_that_is_not_finite_is_no_failure_of_the_transport():
    """The step is skipped."""
    calls, _ = calls_with(REPLY)

    def read(_reply):
        raise WireError(Reason.NON_FINITE, "NaN")

    with pytest.raises(WireError, match="NaN"):
        calls.call("Compute", REQUEST, read).result()
    assert len(calls.transport.sent) == 1


# A refused token is another matter: see below.
FINAL = [reason for reason in Reason if not WireError(reason, "").retryable and reason is not Reason.UNAUTHENTICATED]


@pytest.mark.parametrize("reason", FINAL)
def test_any_other_refusal_is_raised_at_once(reason):
    refusal = WireError(reason, "no")
    calls, failures = calls_with(refusal, REPLY)
    with pytest.raises(WireError) as caught:
        calls.call("Compute", REQUEST, as_it_is).result()
    assert refusal is caught.value
    assert (len(calls.transport.sent), calls.clock.pauses, failures) == (1, [], [])


def test_a_refused_token_is_tried_once_more_on_a_new_connection():
    refusal = WireError(Reason.UNAUTHENTICATED, "no")
    calls, failures = calls_with(broken(), refusal, broken(), refusal, REPLY)
    with pytest.raises(WireError) as caught:
        calls.call("Compute", REQUEST, as_it_is).result()
    assert refusal is caught.value
    assert [2] == calls.transport.renewed_after
    assert 3 == len(failures)


@pytest.mark.parametrize("error", [broken(), broken(Code.UNIMPLEMENTED), WireError(Reason.CORRUPT, "checksum")])
def test_after_a_few_failures_in_a_row_there_is_a_new_connection(error):
    calls, _ = calls_with(*[error] * (2 * RENEW_AFTER + 1), REPLY)
    calls.call("Compute", REQUEST, as_it_is).result()

    assert [RENEW_AFTER, 2 * RENEW_AFTER] == calls.transport.renewed_after


def test_failures_of_several_calls_add_up():
    calls, _ = calls_with(*[broken()] * RENEW_AFTER, REPLY, retry_timeout=0.01)
    for _ in range(RENEW_AFTER):
        with pytest.raises(WireError):
            calls.call("Compute", REQUEST, as_it_is).result()
    assert [RENEW_AFTER] == calls.transport.renewed_after


@pytest.mark.parametrize("answer", [REPLY, WireError(Reason.STEP_IN_PAST, "no")], ids=["a reply", "a refusal"])
def test_an_answer_in_between_shows_that_the_connection_is_sound(answer):
    calls, _ = calls_with(*[broken()] * (RENEW_AFTER - 1), answer, *[broken()] * (RENEW_AFTER - 1), REPLY)
    for expected in (answer, REPLY):
        call = calls.call("Compute", REQUEST, as_it_is)
        if isinstance(expected, WireError):
            with pytest.raises(WireError):
                call.result()
        else:
            call.result()
    assert [] == calls.transport.renewed_after


def test_a_request_that_came_too_early_does_not_blame_the_connection():
    calls, _ = calls_with(*[WireError(Reason.OUT_OF_ORDER, "not yet")] * (3 * RENEW_AFTER), REPLY)
    calls.call("Compute", REQUEST, as_it_is).result()

    assert [] == calls.transport.renewed_after


def test_pauses_double_up_to_the_limit():
    calls, _ = calls_with(*[broken()] * 8, REPLY, retry_timeout=100)
    calls.call("Compute", REQUEST, as_it_is).result()

    assert calls.clock.pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    assert calls.clock.now() == pytest.approx(1000.0 + 7.15)


def test_an_hour_of_attempts_takes_no_time_and_a_heartbeat_goes_on_meanwhile():
    calls, failures = calls_with(broken(), retry_timeout=3600.0, max_delay=1.0)
    beats = []
    with calls.clock.repeating(lambda: beats.append(calls.clock.now()), 5.0, "heartbeat"), pytest.raises(WireError):
        calls.call("Compute", REQUEST, as_it_is).result()

    assert sum(calls.clock.pauses) == pytest.approx(calls.clock.now() - 1000.0)
    assert 3599.0 < calls.clock.now() - 1000.0 <= 3600.0
    assert beats == [1000.0 + 5.0 * n for n in range(1, 720)]
    assert len(failures) == len(calls.clock.pauses) + 1


def test_the_retry_timeout_counts_from_the_first_failure():
    """An attempt that took long to fail does not use it up."""
    calls, _ = calls_with(broken(), REPLY, retry_timeout=1, duration=50)

    assert REPLY == calls.call("Compute", REQUEST, as_it_is).result()


@given(retry_timeout=st.floats(0.06, 500), duration=st.floats(0, 60))
def test_a_call_is_given_up_when_its_retry_timeout_has_passed(retry_timeout, duration):
    calls, failures = calls_with(broken(Code.DEADLINE_EXCEEDED), retry_timeout=retry_timeout, duration=duration)
    with pytest.raises(WireError) as caught:
        calls.call("Compute", REQUEST, as_it_is).result()

    assert (caught.value.reason, caught.value.code) == (Reason.TRANSPORT, Code.DEADLINE_EXCEEDED)
    assert f"Compute: {len(failures)} attempts failed" in caught.value.message
    assert "connection lost" in caught.value.message
    waited = calls.clock.now() - 1000 - duration  # since the first failure
    assert waited <= retry_timeout + duration
    assert len(failures) == len(calls.transport.sent)


def test_each_call_has_its_own_retry_timeout():
    calls, _ = calls_with(broken(), REPLY, broken(), REPLY, retry_timeout=0.06)
    for _ in range(2):
        assert REPLY == calls.call("Compute", REQUEST, as_it_is).result()


def test_every_reason_has_a_code():
    assert all(isinstance(WireError(reason, "").code, Code) for reason in Reason)
