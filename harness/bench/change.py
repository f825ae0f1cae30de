"""What has changed between two files of benchmarks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from harness.bench.intervals import change_between
from harness.recording.schema import BenchRecord, IntervalRecord

__all__ = ["Change", "Word", "changes_between"]

Word: TypeAlias = Literal["improved", "regressed", "within noise"]


@dataclass(frozen=True)
class Change:
    """How a measurement has changed.

    Attributes:
        name: the measurement's.
        word: in which direction, if beyond the threshold; "within noise" otherwise.
        factor: of the ratio B / A, new to old; above 1 is slower.
        old: the ratio B / A before.
        new: the ratio B / A now.
    """

    name: str
    word: Word
    factor: IntervalRecord
    old: IntervalRecord
    new: IntervalRecord


def changes_between(old: BenchRecord, new: BenchRecord, threshold: float) -> Sequence[Change]:
    """Return how each measurement of the same two ways that both files have has changed, in the order of the new one.

    Args:
        old: the baseline.
        new: is compared with it.
        threshold: relative change that does not count; the whole interval must lie beyond it.
    """
    before = {each.name: each for each in old.measurements}
    changes = []
    for now in new.measurements:
        then = before.get(now.name)
        # Of other ways, such as through another kind of proxy, a ratio says something else.
        if then is not None and (then.a_is, then.b_is) == (now.a_is, now.b_is):
            factor = change_between(then, now)
            changes.append(Change(now.name, _word(factor, threshold), factor, then.ratio, now.ratio))
    return changes


def _word(factor: IntervalRecord, threshold: float) -> Word:
    if factor.low > 1 + threshold:
        return "regressed"
    return "improved" if factor.high < 1 - threshold else "within noise"
