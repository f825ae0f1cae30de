"""When a run has to be called diverged: its losses or gradients are not finite any more."""

import math

from splitlearn.client.step import StepReport
from splitlearn.errors import DivergedError

__all__ = ["DivergenceWatch"]

ADVICE = (
    "start anew with another --session and a lower --learning-rate, more --warmup-steps or a --max-grad-norm, and look "
    "at the trunk's log; --max-skipped 0 lets a run go on all the same"
)


class DivergenceWatch:
    """Counts the steps that were skipped.

    Args:
        most: steps that may be skipped in a row; 0 means any number, and then no loss is called wrong either.

    Attributes:
        last_loss: of the step noted last; NaN before the first.
    """

    def __init__(self, most: int) -> None:
        self.last_loss = math.nan
        self._most = most
        self._newest = -1
        self._skipped: set[int] = set()
        self._noted = False

    @property
    def skipped(self) -> int:
        """How many steps were skipped; one that was done again counts once."""
        return len(self._skipped)

    def note(self, report: StepReport) -> None:
        """Take in how a step went."""
        self._noted, self.last_loss, self._newest = True, report.loss, report.step
        if report.skipped:
            self._skipped.add(report.step)
        else:
            self._skipped.discard(report.step)

    @property
    def _in_a_row(self) -> int:
        """How many steps up to the newest were skipped; those that were done again count once."""
        first = self._newest
        while first in self._skipped:
            first -= 1
        return self._newest - first

    def check(self, saved: str) -> None:
        """Raise `DivergedError` where too many steps in a row were skipped.

        Args:
            saved: what there is to resume from, in words.
        """
        if 0 < self._most < self._in_a_row:
            raise DivergedError(
                f"the run has diverged: {self._in_a_row} steps in a row were skipped, because their loss or gradients "
                f"were not finite; {saved}; {ADVICE}"
            )

    def check_end(self, saved: str) -> None:
        """Raise `DivergedError` where the run ends with a loss that is not finite."""
        if self._most and self._noted and not math.isfinite(self.last_loss):
            raise DivergedError(
                f"the run has diverged: its last loss is not finite, and {self.skipped} of its steps were skipped; "
                f"{saved}; {ADVICE}"
            )
