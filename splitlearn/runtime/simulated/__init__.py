"""A machine of one thread, of which a test or a simulation owns every part."""

from splitlearn.runtime.simulated.entropy import SeededEntropy
from splitlearn.runtime.simulated.manual_clock import ManualClock

__all__ = ["ManualClock", "SeededEntropy"]
