"""Everything that a party takes from its machine, as one value."""

from dataclasses import dataclass

from splitlearn.runtime.clock import Clock, SystemClock
from splitlearn.runtime.disk import Disk, SystemDisk
from splitlearn.runtime.entropy import Entropy, SystemEntropy
from splitlearn.runtime.locks import Locks, SystemLocks

__all__ = ["Runtime", "real_runtime"]


@dataclass(frozen=True)
class Runtime:
    """The inputs of client and trunk besides each other's messages.

    Attributes:
        clock: time.
        entropy: random bits.
        disk: files that must survive a crash.
        locks: between threads and between processes.
    """

    clock: Clock
    entropy: Entropy
    disk: Disk
    locks: Locks


def real_runtime() -> Runtime:
    """Return this machine's runtime."""
    return Runtime(SystemClock(), SystemEntropy(), SystemDisk(), SystemLocks())
