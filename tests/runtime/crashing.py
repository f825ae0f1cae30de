"""Machines that crash at a chosen change of their disk, and what may be left there."""

from splitlearn.runtime import Runtime
from splitlearn.runtime.simulated import ManualClock, MemoryDisk, MemoryLocks, SeededEntropy
from splitlearn.runtime.simulated.memory_disk import everything, nothing


class MachineError(BaseException):
    """Stands for the crash of a machine, after which nothing is cleaned up."""


class Machine:
    """Its disk crashes before the change of a number, counted from 0, and takes none from then on.

    Attributes:
        changes: names of those that came to the disk.
    """

    def __init__(self, seed=0):
        self.changes, self.crash_at = [], None
        self.runtime = Runtime(ManualClock(), SeededEntropy(seed), MemoryDisk(self._before), MemoryLocks())

    def _before(self, change, path):
        if self.crash_at is not None and len(self.changes) >= self.crash_at:
            raise MachineError(f"{change} {path}")
        self.changes.append(change)

    def start_again(self, choose):
        """Crash, if that has not happened yet, and start again; `choose` says what has reached the disk."""
        self.changes, self.crash_at = [], None
        self.runtime.disk.crash(choose)
        self.runtime.locks.crash()


def outcomes(count=6):
    """What a crash may leave: nothing that was not forced, everything, and mixtures."""
    return [nothing, everything, *map(mixture, range(count))]


def mixture(seed):
    """Choose something in between, each time anew."""
    entropy = SeededEntropy(seed)
    return lambda count: entropy.bits(32) % count


def crashes_of(action, prepare=lambda _machine: None, choices=outcomes):
    """Crash a machine before every change that an action makes, with every outcome; yields it, started again.

    Args:
        action: takes a machine.
        prepare: what has been done on it before, whole.
        choices: returns the outcomes.

    Yields:
        The machine, and whether the action had come to its end.
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
