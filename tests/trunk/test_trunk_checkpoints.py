"""A session's checkpoints on disk, for a trunk server and for a trunk in the client's process."""

import pytest
import torch
from trunk.calling import refusal

from splitlearn.models import FAMILY
from splitlearn.probe import NullProbe
from splitlearn.runtime import real_runtime
from splitlearn.tensor_log import NullTensorLog
from splitlearn.trunk.checkpoints import TrunkCheckpoints
from splitlearn.trunk.session import TrunkSession
from splitlearn.wire.errors import Reason

SETTINGS = {"seed": "7"}


@pytest.fixture
def checkpoints_of(tmp_path):
    """Return a function to what a session of a name has on the disk."""
    return lambda name="run", settings=SETTINGS: TrunkCheckpoints(
        real_runtime().disk, tmp_path, name, settings, NullProbe()
    )


def session_at(config, step):
    """Return a session whose weights say which step it is at."""
    session = TrunkSession(FAMILY.load_trunk(config)[0], config, NullProbe(), NullTensorLog())
    session.applied_step = step
    with torch.no_grad():
        for weight in session.weights().values():
            weight.fill_(step)
    return session


def saved_at(config, checkpoints, *steps):
    """Save at these steps, one after another; returns the digests."""
    return [checkpoints.save(session_at(config, step)) for step in steps]


def resumed(config, checkpoints, *steps, **more):
    """Resume a fresh session at one of these steps of the client; returns the step that was taken."""
    session = session_at(config, 0)
    checkpoints.resume(session, steps, **more)
    assert {float(session.applied_step)} == {float(weight.max()) for weight in session.weights().values()}
    return session.applied_step


def test_the_newest_step_that_both_have_is_taken(config, checkpoints_of):
    saved_at(config, checkpoints_of(), 4, 8)

    assert 8 == resumed(config, checkpoints_of(), 4, 8, 12)
    assert 4 == resumed(config, checkpoints_of(), 4, 12)


def test_a_damaged_file_is_passed_over_and_named(config, checkpoints_of, tmp_path, caplog):
    saved_at(config, checkpoints_of(), 4, 8)
    (tmp_path / "run" / "trunk" / "step-00000008.safetensors").write_bytes(b"torn")

    assert 4 == resumed(config, checkpoints_of(), 4, 8)
    assert "step-00000008.safetensors cannot be read" in caplog.text


def test_no_step_in_common_tells_both_sides_and_what_is_wrong(config, checkpoints_of):
    saved_at(config, checkpoints_of(), 4)
    error = refusal(checkpoints_of().resume, session_at(config, 0), [12])
    assert (Reason.NO_CHECKPOINT, "no checkpoint in common: the trunk has steps 4, the client has 12") == (
        error.reason,
        error.message,
    )
    other = refusal(checkpoints_of(settings={"seed": "8"}).resume, session_at(config, 0), [4])
    assert "was made with seed = 7, now it is 8" in other.message


def test_a_step_is_saved_once_however_often_it_is_asked_for(config, checkpoints_of, tmp_path):
    checkpoints = checkpoints_of()
    (digest,) = saved_at(config, checkpoints, 4)
    path = tmp_path / "run" / "trunk" / "step-00000004.safetensors"
    path.unlink()

    assert [digest] == saved_at(config, checkpoints, 4)
    assert not path.exists()


def test_two_steps_are_kept(config, checkpoints_of):
    checkpoints = checkpoints_of()
    saved_at(config, checkpoints, 4, 8, 12)

    assert [12, 8] == checkpoints.steps()


@pytest.mark.parametrize("how", ["fresh", "from another session"])
def test_a_run_that_continues_no_checkpoint_of_its_own_sets_an_earlier_ones_aside(
    config, checkpoints_of, tmp_path, how
):
    saved_at(config, checkpoints_of(), 4, 8)
    saved_at(config, checkpoints_of("other"), 2)
    again = checkpoints_of()
    if how == "from another session":
        assert 2 == resumed(config, again, 2, source="other")
    saved_at(config, again, 3)

    assert [3] == again.steps()
    assert 2 == len([*(tmp_path / "run" / "trunk-before-1").iterdir()])


def test_a_run_that_goes_on_keeps_what_it_goes_on_from(config, checkpoints_of, tmp_path):
    saved_at(config, checkpoints_of(), 4, 8)
    again = checkpoints_of()
    resumed(config, again, 4)
    saved_at(config, again, 6)

    assert [6, 4] == again.steps()
    assert not (tmp_path / "run" / "trunk-before-1").exists()


def test_only_what_this_run_has_saved_is_discarded(config, checkpoints_of):
    saved_at(config, checkpoints_of(), 4)
    stranger = checkpoints_of()
    stranger.discard()
    assert [4] == stranger.steps()
    saved_at(config, stranger, 6)
    stranger.discard()
    assert [] == stranger.steps()


def test_a_fresh_run_that_could_set_nothing_aside_is_refused(config, checkpoints_of, tmp_path):
    checkpoints_of().check_room()
    saved_at(config, checkpoints_of(), 4)
    checkpoints_of().check_room()
    for n in range(1, 9):
        (tmp_path / "run" / f"trunk-before-{n}").mkdir()

    error = refusal(checkpoints_of().check_room)
    assert Reason.SAVE_FAILED is error.reason
    assert "delete those that nobody needs" in error.message
