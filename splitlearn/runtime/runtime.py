"""All that a party takes from its machine, as one value."""

from dataclasses import dataclass

from splitlearn.runtime.clock import Clock, SystemClock
from splitlearn.runtime.disk import Disk, SystemDisk
from splitlearn.runtime.entropy import Entropy, SystemEntropy
from splitlearn.runtime.locks import Locks, SystemLocks

__all__ = ["Runtime", "real_runtime"]


@dataclass(frozen=True)
class Runtime:
    """What client and trunk go by, beside each other's messages.

    Attributes:
        clock: time.
        entropy: chance.
        disk: files that must survive a crash.
        locks: between threads and between processes.
    """

    clock: Clock
    entropy: Entropy
    disk: Disk
    locks: Locks


def real_runtime() -> Runtime:
    """Return this machine."""
    return Runtime(SystemClock(), SystemEntropy(), SystemDisk(), SystemLocks())
