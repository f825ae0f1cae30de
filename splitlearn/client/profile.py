"""Where a client's time goes, over its last steps."""

from collections import deque

from splitlearn.client.report import StepReport
from splitlearn.profile import PHASES, phases_of, table

__all__ = ["ClientProfile"]

MOST_STEPS = 10_000


class ClientProfile:
    """A `MetricsSink` that keeps the times of the last `MOST_STEPS` steps, repeated ones included."""

    def __init__(self) -> None:
        self._steps: deque[dict[str, float]] = deque(maxlen=MOST_STEPS)

    def enter(self, report: StepReport) -> None:
        """Keep a step's times."""
        self._steps.append(phases_of(report.seconds, report.breakdown))

    def table(self) -> str:
        """Return the medians as lines of text."""
        return table(PHASES, self._steps)
