"""Machines that crash at a chosen change of their disk, and what their disk may hold afterwards."""

from splitlearn.runtime import Runtime
from splitlearn.runtime.simulated import ManualClock, MemoryDisk, MemoryLocks, SeededEntropy
from splitlearn.runtime.simulated.memory_disk import everything, nothing


class MachineError(BaseException):
    """Stands for the crash of a machine, after which nothing is cleaned up."""


class Machine:
    """Its disk crashes before the change with a given number, counted from 0, and accepts none after that.

    Attributes:
        changes: names of the changes that were made.
    """

    def __init__(self, seed=0):
        self.changes, self.crash_at = [], None
        self.runtime = Runtime(ManualClock(), SeededEntropy(seed), MemoryDisk(self._before), MemoryLocks())

    def _before(self, change, path):
        if self.crash_at is not None and len(self.changes) >= self.crash_at:
            raise MachineError(f"{change} {path}")
        self.changes.append(change)

    def start_again(self, choose):
        """Crash, unless that has happened already, and restart; `choose` decides what has reached the disk."""
        self.changes, self.crash_at = [], None
        self.runtime.disk.crash(choose)
        self.runtime.locks.crash()


def outcomes(count=6):
    """What a crash may leave of unsynced data: nothing, everything, and mixtures."""
    return [nothing, everything, *map(mixture, range(count))]


def mixture(seed):
    """Choose something in between, differently each time."""
    entropy = SeededEntropy(seed)
    return lambda count: entropy.bits(32) % count


def crashes_of(action, prepare=lambda _machine: None, choices=outcomes):
    """Crash a machine before every change that an action makes, with every outcome; yields the restarted machine.

    Args:
        action: takes a machine.
        prepare: done on it completely beforehand.
        choices: returns the outcomes.

    Yields:
        The machine, and whether the action had finished.
    """
    number, ended = 0, False
    while not ended:
        for choose in choices():
            machine = Machine()
            prepare(machine)
            machine.changes, machine.crash_at = [], number
            try:
                action(machine)
                ended = True
            except MachineError:
                pass
            machine.start_again(choose)
            yield machine, ended
        number += 1
