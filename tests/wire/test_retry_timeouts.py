"""How long calls are tried, and how long each attempt may take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire.fake_calls import COMPUTE, REPLY, REQUEST, as_it_is, broken, calls_with

from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.deadlines import SLACK, SLOWEST
from splitlearn.wire.errors import Code, Reason, WireError


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
