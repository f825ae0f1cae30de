"""A client that crashed and resumes ends with the bits of an undisturbed run."""

import pytest
from client.runs import (
    CrashError,
    CrashingProbe,
    assert_same,
    direct,
    final_state,
    local_trunk,
    remote_trunk,
    train,
)
from trunk.server import Trunk, service_of

from splitlearn.checkpoint import CheckpointStore
from splitlearn.runtime.disk import SystemDisk

CRASHES = [
    ("client.step.started", 5),
    ("client.forward.sent", 8),
    ("client.forward.received", 4),
    ("client.backward.sent", 6),
    ("client.backward.received", 11),
    ("client.commit.decided", 9),
    ("client.commit.applied", 7),
    ("client.checkpoint.placed", 8),
    ("client.checkpoint.saved", 8),
    ("client.checkpoint.saved", 12),
]


@pytest.mark.parametrize(("point", "step"), CRASHES, ids=[f"{name}-{step}" for name, step in CRASHES])
def test_a_client_that_died_resumes(run, undisturbed, point, step):
    with pytest.raises(CrashError):
        train(run, local_trunk(run), probe=CrashingProbe(point, step))
    probe = CrashingProbe()
    train(run, local_trunk(run), resume=True, probe=probe)

    assert_same(undisturbed, final_state(run))
    opened = next(step for name, step in probe.passed if name == "client.session.opened")
    assert (step // 4 * 4 if "checkpoint" in point or step % 4 else step) == opened


def test_a_client_that_died_before_it_could_delete_older_checkpoints_deletes_them_when_it_comes_back(run):
    """After the last step no further save would delete them."""
    with pytest.raises(CrashError):
        train(run, local_trunk(run), probe=CrashingProbe("client.checkpoint.placed", 12))
    halves = CheckpointStore(SystemDisk(), run.save_dir, run.session, "client")
    assert [12, 8, 4] == halves.steps()
    train(run, local_trunk(run), resume=True)

    assert [12, 8] == halves.steps()


@pytest.mark.parametrize(("point", "step"), CRASHES[:4], ids=[f"{name}-{step}" for name, step in CRASHES[:4]])
def test_a_client_that_died_resumes_at_a_trunk_that_lives(without_dropout, undisturbed_without_dropout, point, step):
    run = without_dropout
    trunk = Trunk(run)
    try:
        with pytest.raises(CrashError):
            train(run, trunk.link(), probe=CrashingProbe(point, step))
        train(run, trunk.link(), resume=True)
    finally:
        trunk.stop()

    assert_same(undisturbed_without_dropout, final_state(run))


@pytest.mark.parametrize("step", [4, 8, 12])
def test_a_crash_between_the_two_halves_of_a_checkpoint(run, undisturbed, step):
    """The trunk has its half, the client does not: the run continues from the previous checkpoint, if there is one."""
    service = service_of(run, probe=CrashingProbe("trunk.checkpoint.saved", step))
    with pytest.raises(CrashError):
        train(run, remote_trunk(direct(service), run))
    resume = step > 4
    train(run, remote_trunk(direct(service_of(run)), run), resume=resume, take_over=True)

    assert_same(undisturbed, final_state(run))


def test_many_crashes_in_a_row(run, undisturbed):
    for number, step in enumerate((4, 6, 7, 5, 9, 11)):
        with pytest.raises(CrashError):
            train(run, local_trunk(run), resume=number > 0, probe=CrashingProbe("client.commit.decided", max(step, 4)))
    train(run, local_trunk(run), resume=True)

    assert_same(undisturbed, final_state(run))


def test_resuming_a_finished_run_changes_nothing(run, undisturbed):
    train(run, local_trunk(run))
    train(run, local_trunk(run), resume=True)

    assert_same(undisturbed, final_state(run))
