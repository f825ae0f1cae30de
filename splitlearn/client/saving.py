"""Decides when a checkpoint is due: after a number of steps or minutes, and at the end."""

from splitlearn.config import TrainingConfig
from splitlearn.runtime import Clock

__all__ = ["SaveSchedule"]


class SaveSchedule:
    """Knows when the last checkpoint was written.

    Args:
        config: gives the intervals.
        total_steps: the run's.
        clock: measures the minutes.
    """

    def __init__(self, config: TrainingConfig, total_steps: int, clock: Clock) -> None:
        self._steps = config.save_interval
        self._seconds = 60.0 * config.save_minutes
        self._total = total_steps
        self._clock = clock
        self._last = clock.now()

    def is_due(self, applied: int) -> bool:
        """Return whether a checkpoint is due after this many steps."""
        by_steps = self._steps > 0 and applied % self._steps == 0
        by_time = self._seconds > 0 and self._clock.now() - self._last >= self._seconds
        return applied == self._total or by_steps or by_time

    def note_saved(self) -> None:
        """Restart the count of minutes."""
        self._last = self._clock.now()
