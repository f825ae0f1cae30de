"""A machine that crashes at any change of its disk leaves a state from which a run can continue."""

import errno
import json
from pathlib import Path

import pytest
import torch
from exactness.uncut import same_bits
from runtime.crashing import Machine, MachineError, crashes_of, outcomes

from splitlearn.checkpoint import CheckpointStore, known_steps
from splitlearn.client.claim import Claim
from splitlearn.client.description import describe_run
from splitlearn.config import TrainingConfig
from splitlearn.described import SETTINGS
from splitlearn.runtime.durable import make_folder, write_atomically
from splitlearn.runtime.simulated import MemoryDisk
from splitlearn.runtime.simulated.memory_disk import nothing
from splitlearn.trunk.boot_count import next_boot, only_trunk
from splitlearn.trunk.holders import Holder, Holders
from splitlearn.wire.errors import WireError

SAVE_DIR = Path("/save")
AGREEMENT = {"seed": "0"}


def weights_of(step):
    return {"h.0.weight": torch.full((3, 4), float(step))}


def store_of(machine, role):
    return CheckpointStore(machine.runtime.disk, SAVE_DIR, "run", role)


def save_both(machine, step):
    """Write both halves as a run does that has saved all steps before; both parties are on this machine."""
    kept = known_steps(tuple(range(1, step)), step)
    trunk = store_of(machine, "trunk").save(step, AGREEMENT, weights_of(step), {}, keep=kept)
    store_of(machine, "client").save(step, AGREEMENT, weights_of(-step), {}, trunk.weights, keep=kept)


def common_step(machine):
    """Return the newest step that both halves have, whose tensors are right."""
    client, trunk = (store_of(machine, role) for role in ("client", "trunk"))
    step = max(set(client.sound_steps(AGREEMENT)) & set(trunk.sound_steps(AGREEMENT)), default=0)
    if step:
        mine, theirs = client.load(step, AGREEMENT), trunk.load(step, AGREEMENT)
        assert mine.mark.trunk_weights == theirs.mark.weights
        assert same_bits(mine.weights["h.0.weight"], weights_of(-step)["h.0.weight"])
        assert same_bits(theirs.weights["h.0.weight"], weights_of(step)["h.0.weight"])
    return step


@pytest.mark.parametrize("saved", [0, 1, 2, 3])
def test_a_checkpoint_that_is_cut_off_anywhere_leaves_the_one_before(saved):
    """Nothing, if it was the first; the new one only if both of its halves are complete."""

    def prepare(machine):
        for step in range(1, saved + 1):
            save_both(machine, step)

    found = []
    for machine, ended in crashes_of(lambda machine: save_both(machine, saved + 1), prepare):
        step = common_step(machine)
        assert step in ((saved + 1,) if ended else (saved, saved + 1))
        found.append(step)
        save_both(machine, saved + 2)
        assert saved + 2 == common_step(machine)
    assert {saved, saved + 1} == set(found)
    assert len(found) > 10 * len(outcomes()), "there are so many changes at least"


def test_a_folder_whose_name_could_not_be_synced_is_made_and_synced_the_next_time():
    failures = [OSError(errno.EIO, "sync")]

    def fail_once(change, _path):
        if change == "sync folder" and failures:
            raise failures.pop()

    disk = MemoryDisk(fail_once)
    with pytest.raises(OSError, match="sync"):
        make_folder(disk, SAVE_DIR / "run")
    make_folder(disk, SAVE_DIR / "run")
    write_atomically(disk, SAVE_DIR / "run" / "file", b"saved")
    disk.crash(nothing)

    assert disk.read(SAVE_DIR / "run" / "file") == b"saved"


def test_a_run_that_is_set_aside_is_in_one_place_or_the_other():
    for machine, ended in crashes_of(lambda machine: store_of(machine, "trunk").set_aside(), lambda m: save_both(m, 1)):
        names = set(machine.runtime.disk.names(SAVE_DIR / "run")) - {"client"}
        assert names in ([{"trunk-before-1"}] if ended else [{"trunk"}, {"trunk-before-1"}])
        (role,) = names
        assert ["step-00000001.safetensors"] == machine.runtime.disk.names(SAVE_DIR / "run" / role)


@pytest.mark.parametrize("before", [0, 1, 2])
def test_no_start_of_a_trunk_is_counted_twice(before):
    """Otherwise the incarnations of a start that was not synced would be used again."""
    counted = []

    def start(machine):
        counted.clear()
        counted.append(next_boot(SAVE_DIR, machine.runtime))

    def prepare(machine):
        for _ in range(before):
            next_boot(SAVE_DIR, machine.runtime)

    for machine, ended in crashes_of(start, prepare):
        assert next_boot(SAVE_DIR, machine.runtime) > (counted[0] if ended else before)


def test_a_holder_that_was_noted_holds_and_one_that_was_not_leaves_the_one_before():
    first, second = Holder(5, "first"), Holder(9, "second")

    def holder(machine):
        holders = Holders(SAVE_DIR, machine.runtime.disk)
        for candidate in (first, second):
            try:
                holders.check("run", candidate.incarnation, None)
            except WireError:
                continue
            return candidate
        return None

    for machine, ended in crashes_of(
        lambda machine: Holders(SAVE_DIR, machine.runtime.disk).note("run", second),
        lambda machine: Holders(SAVE_DIR, machine.runtime.disk).note("run", first),
    ):
        assert holder(machine) in ((second,) if ended else (first, second))


def test_a_claim_that_was_made_stands_and_one_that_was_not_leaves_the_one_before():
    folder = SAVE_DIR / "run" / "client"

    def make(machine):
        claim = Claim(folder, machine.runtime)
        assert claim.make(claim.current())

    for machine, ended in crashes_of(make, make):
        first, second = (f"{bits:016x}" for bits in _first_bits())
        assert Claim(folder, machine.runtime).current() in ((second,) if ended else (first, second))


def _first_bits():
    entropy = Machine().runtime.entropy
    return entropy.bits(64), entropy.bits(64)


def test_locks_are_free_when_a_machine_has_crashed():
    def train(machine):
        with only_trunk(SAVE_DIR, machine.runtime):
            next_boot(SAVE_DIR, machine.runtime)
            raise MachineError

    machines = crashes_of(train)
    for _ in range(3):
        machine, _ = next(machines)
        with only_trunk(SAVE_DIR, machine.runtime):
            pass


class TwoFiles:
    """Stands for a tokenizer."""

    def recipe(self):
        return "0" * 64

    def files(self):
        return {"merges.txt": b"a b", "tokenizer.json": b"{}"}


def test_settings_that_are_there_name_a_tokenizer_that_is_whole():
    folder = SAVE_DIR / "run" / "client"
    for machine, ended in crashes_of(
        lambda machine: describe_run(machine.runtime.disk, folder, TrainingConfig(), TwoFiles())
    ):
        disk = machine.runtime.disk
        assert disk.exists(folder / SETTINGS) or not ended
        if disk.exists(folder / SETTINGS):
            named = folder / json.loads(disk.read(folder / SETTINGS))["tokenizer"]
            assert TwoFiles().files() == {name: disk.read(named / name) for name in disk.names(named)}
        describe_run(disk, folder, TrainingConfig(), TwoFiles())
        assert {SETTINGS, "tokenizer-" + "0" * 16} == set(disk.names(folder))
