"""A damaged half of a checkpoint is passed over for the checkpoint before it."""

import shutil

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
from trunk.server import service_of

from splitlearn.errors import CheckpointError


def test_a_torn_trunk_half_falls_back_to_the_one_before(run, undisturbed):
    with pytest.raises(CrashError):
        train(run, local_trunk(run), probe=CrashingProbe("client.step.started", 10))
    path = run.save_dir / "default" / "trunk" / "step-00000008.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    train(run, remote_trunk(direct(service_of(run)), run), resume=True)

    assert_same(undisturbed, final_state(run))


@pytest.mark.parametrize("role", ["client", "trunk"])
@pytest.mark.parametrize("left", [0, 100, -1], ids=["empty", "torn", "altered"])
def test_a_damaged_half_is_named_and_the_checkpoint_before_is_taken(run, undisturbed, role, left, caplog):
    with pytest.raises(CrashError):
        train(run, local_trunk(run), probe=CrashingProbe("client.step.started", 10))
    path = run.save_dir / "default" / role / "step-00000008.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:left] if left >= 0 else data[:-1] + bytes([data[-1] ^ 1]))
    probe = CrashingProbe()
    train(run, local_trunk(run), resume=True, probe=probe)

    assert ("client.session.opened", 4) in probe.passed
    assert str(path) in caplog.text
    assert_same(undisturbed, final_state(run))


def test_a_run_of_which_every_half_is_damaged_is_refused_with_advice(run):
    train(run, local_trunk(run))
    halves = list((run.save_dir / "default" / "client").glob("step-*"))
    assert halves, "there is something to damage"
    for path in halves:
        path.write_bytes(path.read_bytes()[:100])

    with pytest.raises(CheckpointError, match="move it away to resume from another step"):
        train(run, local_trunk(run), resume=True)


@pytest.mark.parametrize("role", ["client", "trunk"])
def test_an_older_half_under_the_newest_name_is_passed_over(run, undisturbed, role, caplog):
    with pytest.raises(CrashError):
        train(run, local_trunk(run), probe=CrashingProbe("client.step.started", 10))
    folder = run.save_dir / "default" / role
    shutil.copy(folder / "step-00000004.safetensors", folder / "step-00000008.safetensors")
    probe = CrashingProbe()
    train(run, local_trunk(run), resume=True, probe=probe)

    assert ("client.session.opened", 4) in probe.passed
    assert f"belongs to {role} default step 4" in caplog.text
    assert_same(undisturbed, final_state(run))
