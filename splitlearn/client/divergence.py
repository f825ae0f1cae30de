"""Detects divergence: losses or gradients that are no longer finite."""

import math

from splitlearn.client.report import StepReport
from splitlearn.errors import DivergedError

__all__ = ["DivergenceWatch"]

ADVICE = (
    "start again with another --session and a lower --learning-rate, more --warmup-steps or a --max-grad-norm, and "
    "look at the trunk's log; --max-skipped 0 lets a run continue regardless"
)


class DivergenceWatch:
    """Counts the steps that were skipped.

    Args:
        most: steps that may be skipped in a row; 0 turns all checks off.

    Attributes:
        last_loss: of the last step noted; NaN before the first.
    """

    def __init__(self, most: int) -> None:
        self.last_loss = math.nan
        self._most = most
        self._newest = -1
        self._skipped: set[int] = set()
        self._noted = False

    @property
    def skipped(self) -> int:
        """Number of steps skipped; a repeated one counts once."""
        return len(self._skipped)

    def note(self, report: StepReport) -> None:
        """Note the outcome of a step."""
        self._noted, self.last_loss, self._newest = True, report.loss, report.step
        if report.skipped:
            self._skipped.add(report.step)
        else:
            self._skipped.discard(report.step)

    @property
    def _in_a_row(self) -> int:
        """Number of steps skipped up to the newest; repeated ones count once."""
        first = self._newest
        while first in self._skipped:
            first -= 1
        return self._newest - first

    def check(self, saved: str) -> None:
        """Raise `DivergedError` if too many steps in a row were skipped.

        Args:
            saved: what can be resumed from, in words.
        """
        if 0 < self._most < self._in_a_row:
            raise DivergedError(
                f"the run has diverged: {self._in_a_row} steps in a row were skipped, because their loss or gradients "
                f"were not finite; {saved}; {ADVICE}"
            )

    def check_end(self, saved: str) -> None:
        """Raise `DivergedError` if the run ends with a loss that is not finite."""
        if self._most and self._noted and not math.isfinite(self.last_loss):
            raise DivergedError(
                f"the run has diverged: its last loss is not finite, and {self.skipped} of its steps were skipped; "
                f"{saved}; {ADVICE}"
            )
