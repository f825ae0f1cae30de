"""A single-threaded machine, fully controlled by a test or a simulation."""

from splitlearn.runtime.runtime import Runtime
from splitlearn.runtime.simulated.manual_clock import ManualClock
from splitlearn.runtime.simulated.memory_disk import MemoryDisk
from splitlearn.runtime.simulated.memory_locks import MemoryLocks
from splitlearn.runtime.simulated.seeded_entropy import SeededEntropy

__all__ = ["ManualClock", "MemoryDisk", "MemoryLocks", "SeededEntropy", "simulated_runtime"]


def simulated_runtime(seed: int = 0) -> Runtime:
    """Return a runtime with an empty disk, and with entropy drawn from a seed."""
    return Runtime(ManualClock(), SeededEntropy(seed), MemoryDisk(), MemoryLocks())
