"""A client says that its trunk does not answer only if that is the case."""

import pytest

from splitlearn.client.waiting import Waiting
from splitlearn.config import TrainingConfig
from splitlearn.runtime.simulated import ManualClock
from splitlearn.wire.errors import Code, Reason, WireError

UNHEARD = {
    "cannot be reached": WireError(Reason.TRANSPORT, "failed to connect to all addresses; last error: refused"),
    "does not answer": WireError(Reason.TRANSPORT, "Deadline Exceeded", Code.DEADLINE_EXCEEDED),
}
ANSWERED = {
    "a wrong token": WireError(Reason.UNAUTHENTICATED, "a valid token is needed"),
    "a trunk that stops": WireError(Reason.TRANSPORT, "the trunk is about to end and opens no sessions"),
    "a connection that broke": WireError(Reason.TRANSPORT, "Socket closed"),
    "a request too early": WireError(Reason.OUT_OF_ORDER, "microbatch 1 has not been seen yet"),
    "a damaged reply": WireError(Reason.CORRUPT, "the checksum is another one"),
}


@pytest.fixture
def told(caplog):
    """Return what is reported of a call's first failure."""

    def tell(error):
        Waiting(TrainingConfig(trunk_address="127.0.0.1:1", tls_ca="ca.pem"), ManualClock()).note(error, 1)
        (message,) = caplog.messages
        return message

    return tell


@pytest.mark.parametrize(("words", "error"), UNHEARD.items())
def test_a_trunk_that_is_not_heard_does_not_answer(told, words, error):
    assert f"trunk at 127.0.0.1:1 {words}: {error.message}; retry 1, giving up in 300 s" == told(error)


@pytest.mark.parametrize("error", ANSWERED.values(), ids=ANSWERED)
def test_what_was_heard_is_no_silence(told, error):
    assert f"trunk at 127.0.0.1:1: {error.message}; retry 1, giving up in 300 s" == told(error)
