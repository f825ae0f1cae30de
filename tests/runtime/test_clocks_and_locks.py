"""The simulated clock, locks and entropy do what the machine's do."""

from functools import wraps
from itertools import pairwise

import pytest

from harness.sim.choices import Choices
from harness.sim.kernel import Kernel
from harness.sim.machine import Machine
from harness.sim.process import Process
from splitlearn.runtime import real_runtime

PATIENCE = 30.0
# Of sums of times.
ROUNDING = 1e-9


class RealMachine:
    """This machine; another process is only another holder here, since a lock on a file is held by an open file."""

    def run(self, body):
        body(real_runtime(), real_runtime())


class SimMachine:
    """A simulated machine with two processes."""

    def run(self, body):
        kernel, machine = Kernel(), Machine("client", Choices(0))
        other = Process(kernel, "other", lambda process: process.sleep(1e6) or 0, lambda _process: None)

        def main(process):
            body(machine.runtime_for(process), machine.runtime_for(other))
            return 0

        process = Process(kernel, "client", main, lambda _process: None)
        kernel.run(lambda: not process.alive, 1e5)
        other.kill()
        if process.error:
            raise process.error


def on_each(test):
    """Run a test on each kind of machine, with the runtimes of two processes."""

    @wraps(test)
    def inside(machine, tmp_path):
        machine().run(lambda mine, other: test(mine, other, tmp_path))

    del inside.__wrapped__
    return pytest.mark.parametrize("machine", [RealMachine, SimMachine])(inside)


def until(clock, holds):
    give_up_at = clock.now() + PATIENCE
    while not holds():
        assert clock.now() < give_up_at
        clock.sleep(0.001)


@on_each
def test_a_sleep_lasts_as_long_as_it_should(mine, other, folder):
    before = mine.clock.now()
    mine.clock.sleep(0.02)
    between = mine.clock.now()
    mine.clock.sleep(0.0)

    assert before + 0.02 <= between <= mine.clock.now()


@on_each
def test_an_action_is_repeated_with_pauses_until_the_block_is_left(mine, other, folder):
    clock, times = mine.clock, []
    began = clock.now()
    with clock.repeating(lambda: times.append(clock.now()), 0.02, "beat"):
        assert not times
        until(clock, lambda: len(times) >= 3)
    count = len(times)
    clock.sleep(0.1)

    assert len(times) == count
    assert all(later - earlier >= 0.02 - ROUNDING for earlier, later in pairwise([began, *times]))


@on_each
def test_a_block_is_left_at_once_though_the_next_call_is_far_away(mine, other, folder):
    before = mine.clock.now()
    with mine.clock.repeating(lambda: None, 3600.0, "beat"):
        pass
    assert mine.clock.now() < before + PATIENCE


@on_each
def test_an_action_that_takes_its_time_is_repeated_after_its_end(mine, other, folder):
    clock, times = mine.clock, []

    def slow():
        times.append(clock.now())
        clock.sleep(0.05)

    with clock.repeating(slow, 0.02, "slow"):
        until(clock, lambda: len(times) >= 3)
    assert all(later - earlier >= 0.07 - ROUNDING for earlier, later in pairwise(times))


@on_each
def test_a_blocks_own_error_leaves_it_and_ends_the_repetition(mine, other, folder):
    clock, times = mine.clock, []
    with pytest.raises(KeyError), clock.repeating(lambda: times.append(0), 0.001, "beat"):
        raise KeyError
    count = len(times)
    clock.sleep(0.02)
    assert len(times) == count


@on_each
def test_a_lock_is_held_by_one_until_it_lets_go(mine, other, folder):
    path = folder / "lock"
    with mine.locks.hold_file(path, 0.0):
        with pytest.raises(TimeoutError):
            other.locks.hold_file(path, 0.05).__enter__()
        with other.locks.hold_file(folder / "another", 0.0):
            pass
    with other.locks.hold_file(path, 0.0):
        pass


@on_each
def test_waiting_for_a_lock_takes_as_long_as_was_said(mine, other, folder):
    path = folder / "lock"
    with mine.locks.hold_file(path, 0.0):
        before = mine.clock.now()
        with pytest.raises(TimeoutError):
            other.locks.hold_file(path, 0.1).__enter__()
        assert mine.clock.now() >= before + 0.1


@on_each
def test_a_lock_is_let_go_by_an_error_too(mine, other, folder):
    with pytest.raises(KeyError), mine.locks.hold_file(folder / "lock", 0.0):
        raise KeyError
    with other.locks.hold_file(folder / "lock", 0.0), mine.locks.mutex(), other.locks.mutex():
        pass


@on_each
def test_bits_are_as_many_as_asked_for_and_names_differ(mine, other, folder):
    drawn = [each.entropy.bits(64) for each in (mine, other) for _ in range(20)]
    names = {each.entropy.unique_name() for each in (mine, other) for _ in range(5)}

    assert len(set(drawn)) == 40
    assert all(0 <= number < 1 << 64 for number in drawn)
    assert {0, 1} == {mine.entropy.bits(1) for _ in range(200)}
    assert len(names) == 10
    assert all(name.replace("-", "").replace(".", "").isalnum() and name.isascii() for name in names)
