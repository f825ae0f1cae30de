"""A single-threaded machine, fully controlled by a test or a simulation."""

from splitlearn.runtime.simulated.entropy import SeededEntropy
from splitlearn.runtime.simulated.manual_clock import ManualClock

__all__ = ["ManualClock", "SeededEntropy"]
