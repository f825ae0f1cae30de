import pytest
from wire.fake_calls import COMPUTE, REPLY, REQUEST, as_it_is, broken, calls_with

from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.checksum import checksum_of, with_checksum
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.reliable import RENEW_AFTER


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


def test_every_reason_has_a_code():
    assert all(isinstance(WireError(reason, "").code, Code) for reason in Reason)
