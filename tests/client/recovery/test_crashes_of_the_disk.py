"""A run whose machine crashes at any change of its disk resumes and ends with the bits of an undisturbed run."""

import pytest
from client.runs import local_trunk, train
from runtime.crashing import Machine, MachineError, mixture
from safetensors.torch import load

from splitlearn.runtime.simulated.memory_disk import everything, nothing


def run_on(machine, config):
    """Start or resume, as a supervisor does."""
    train(config, local_trunk(config, runtime=machine.runtime), resume="auto", runtime=machine.runtime)


def final_bits(machine, config):
    """Read the newest checkpoint's tensors of both halves, as bytes."""
    state = {}
    for role in ("client", "trunk"):
        folder = config.save_dir / config.session / role
        name = max(name for name in machine.runtime.disk.names(folder) if name.startswith("step-"))
        tensors = load(machine.runtime.disk.read(folder / name))
        state |= {f"{name}/{key}": tensor.numpy().tobytes() for key, tensor in tensors.items()}
    return state


@pytest.fixture
def short(run):
    """Two checkpoints, the second at the end."""
    return run.but(max_steps=2, save_interval=1, gradient_accumulation_steps=1)


def test_a_run_survives_a_crash_before_every_change_of_its_disk(short):
    machine = Machine()
    run_on(machine, short)
    expected, changes = final_bits(machine, short), list(machine.changes)
    assert not short.save_dir.exists(), "nothing of it is on a disk of this machine"

    for number in range(len(changes)):
        machine = Machine()
        machine.crash_at = number
        with pytest.raises(MachineError):
            run_on(machine, short)
        machine.start_again((nothing, everything, mixture(number))[number % 3])
        run_on(machine, short)
        assert expected == final_bits(machine, short), f"crash before change {number}: {changes[number]}"
    assert {"make folder", "create", "write", "sync", "rename", "sync folder", "append"} <= set(changes)
