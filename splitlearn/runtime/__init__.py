"""Everything that a run takes from its machine (time, entropy, disk, locks) as one replaceable value."""

from splitlearn.runtime.clock import Clock
from splitlearn.runtime.disk import Disk
from splitlearn.runtime.entropy import Entropy
from splitlearn.runtime.locks import Locks
from splitlearn.runtime.runtime import Runtime, real_runtime

__all__ = ["Clock", "Disk", "Entropy", "Locks", "Runtime", "real_runtime"]
