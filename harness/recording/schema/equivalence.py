"""equivalence.json: the comparison with the reference."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.recording.schema.values import VerdictWord
from harness.recording.schema.where import DivergenceRecord

__all__ = ["EquivalenceRecord", "RowRecord", "RungRun"]


@dataclass(frozen=True)
class RowRecord:
    """The comparison of one quantity of one stage with the reference, over all steps."""

    quantity: str
    stage: str
    compared: int
    differing: int
    max_ulp: int | None = None
    relative_l2: float | None = None
    cosine: float | None = None


@dataclass(frozen=True)
class RungRun:
    """One rung of the ladder that was run after a divergence, and how that run ended."""

    rung: str
    verdict: VerdictWord
    folder: str = ""


@dataclass(frozen=True)
class EquivalenceRecord:
    """The comparison of the split run with the reference; the ladder is climbed only after a divergence."""

    rows: tuple[RowRecord, ...] = ()
    ulp_histogram: Mapping[str, int] = field(default_factory=dict)
    first_divergence: DivergenceRecord | None = None
    ladder: tuple[RungRun, ...] = ()
