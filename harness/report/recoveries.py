"""How soon the client made progress after faults had healed, over several runs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from harness.judging.recovery import quantile
from harness.plan.faults.groups import GROUPS, OTHER
from harness.recording.reader import RunFolder
from harness.report.faults import fault_spans

__all__ = ["Recoveries", "all_together", "recoveries"]


@dataclass(frozen=True)
class Recoveries:
    """Seconds from the healing of faults to the client's next progress, ascending; infinite if there was none."""

    group: str
    seconds: tuple[float, ...]

    @property
    def never(self) -> int:
        """Number of faults after which no progress came."""
        return self.seconds.count(inf)

    def quantile(self, share: float) -> float:
        """Return the shortest time within which at least this share of the faults had recovered."""
        return quantile(self.seconds, share)


def recoveries(runs: Sequence[RunFolder]) -> list[Recoveries]:
    """Return the times of every group of faults; faults that needed no progress are left out."""
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for run in runs:
        for span in fault_spans(run):
            if span.recovered is not None:
                seconds[span.group].append(span.recovered)
    return [Recoveries(group, tuple(sorted(seconds[group]))) for group in (*GROUPS, OTHER) if group in seconds]


def all_together(groups: Iterable[Recoveries]) -> Recoveries:
    """Combine the times of all groups."""
    return Recoveries("all", tuple(sorted(seconds for group in groups for seconds in group.seconds)))
