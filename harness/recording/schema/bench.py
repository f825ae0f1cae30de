"""bench.json: what benchmarks measured, each against something that did the same work in turn."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from harness.recording.schema.environment import EnvironmentRecord
from harness.recording.schema.values import Figures, VerdictWord

__all__ = ["BenchRecord", "IntervalRecord", "MeasurementRecord"]


@dataclass(frozen=True)
class IntervalRecord:
    """An estimate and the bounds between which the true value lies in 95 of 100 cases."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class MeasurementRecord:
    """Two ways of doing the same work, A and B, timed in turn; the smaller sample is the better one.

    Attributes:
        name: as `BENCHMARK/CASE`.
        a_is: the way A, with which B is compared, in words.
        b_is: the way B, which is what the benchmark is about, in words.
        unit: of the samples.
        a: samples of A.
        b: samples of B; each was taken right before or after the sample of A at the same place.
        ratio: of B to A: the median of the pairs' ratios.
        figures: what else was found, by name.

    Raises:
        ValueError: the samples are no pairs, or some are not above 0.
    """

    name: str
    a_is: str
    b_is: str
    unit: str
    a: tuple[float, ...]
    b: tuple[float, ...]
    ratio: IntervalRecord
    figures: Figures = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < len(self.a) == len(self.b):
            raise ValueError(f"{self.name}: {len(self.a)} samples of A and {len(self.b)} of B are no pairs")
        if not min(*self.a, *self.b) > 0:
            raise ValueError(f"{self.name}: a sample is not above 0")

    @property
    def ratios(self) -> tuple[float, ...]:
        """The ratio of each pair, B to A."""
        return tuple(b / a for a, b in zip(self.a, self.b, strict=True))

    @property
    def typical_a(self) -> float:
        """The median of A."""
        return median(self.a)

    @property
    def typical_b(self) -> float:
        """The median of B."""
        return median(self.b)


@dataclass(frozen=True)
class BenchRecord:
    """What one run of the benchmarks found.

    Attributes:
        verdict: PASS if all that was asked for was measured.
        measurements: in the order in which they were made.
        missing: what was not measured, by the benchmark's name, and why.
        environment: the machine, versions and source tree.
        quick: whether only a few pairs were taken, for trying out.
        seconds: real time of everything.
    """

    verdict: VerdictWord
    measurements: tuple[MeasurementRecord, ...]
    missing: Mapping[str, str]
    environment: EnvironmentRecord
    quick: bool
    seconds: float
