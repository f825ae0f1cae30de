"""A reader that fails gives its place at the trunk back."""

import pytest
from client.runs import fail
from trunk.server import Trunk

from splitlearn.commands import eval as eval_command
from splitlearn.commands import generate as generate_command
from splitlearn.config import TrainingConfig
from splitlearn.errors import DataError
from splitlearn.wire.errors import Reason, WireError


@pytest.fixture
def trunk(small_model):
    served = Trunk(TrainingConfig(model=str(small_model()), vocab_size=300))
    yield served
    served.stop()


@pytest.fixture
def reading(splitlearn, settings, trunk):
    """Run a reading command that must fail; return its exit status and the number of sessions left open."""

    def read(command):
        status, out, _ = splitlearn(command, *settings, f"--trunk-address={trunk.address}", "--initial")
        assert out == ""
        return status, len(trunk.service._sessions._open)

    return read


FAILURES = {
    "a mistake": (DataError("the text ends too early"), 2),
    "a refusal": (WireError(Reason.TOO_LARGE, "the text is too large"), 2),
    "Ctrl-C": (KeyboardInterrupt(), 130),
}


@pytest.mark.parametrize(("error", "expected"), FAILURES.values(), ids=FAILURES)
def test_a_reader_that_fails_is_closed(reading, monkeypatch, error, expected):
    monkeypatch.setattr(eval_command, "evaluate", lambda *_: fail(error))
    monkeypatch.setattr(generate_command, "generate", lambda *_: fail(error))

    assert (expected, 0) == reading("eval")
    assert (expected, 0) == reading("generate")


def test_no_leave_is_sent_to_a_trunk_that_does_not_answer(reading, monkeypatch, trunk):
    """It would only delay the exit."""
    gone = WireError(Reason.TRANSPORT, "nobody answers")
    monkeypatch.setattr(eval_command, "evaluate", lambda *_: fail(gone))

    assert (2, 1) == reading("eval")
