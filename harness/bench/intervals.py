"""Ratios with their confidence intervals, by the bootstrap of the median.

A pair's two samples were taken one right after the other, so that the machine's load is in both and not in their ratio.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.recording.schema import Figures, IntervalRecord, MeasurementRecord

__all__ = ["change_between", "measurement"]

CONFIDENCE = 0.95
RESAMPLES = 10_000
# The same samples have the same interval, whoever computes it.
SEED = 0


def measurement(
    name: str, a_is: str, b_is: str, pairs: Sequence[tuple[float, float]], figures: Figures | None = None
) -> MeasurementRecord:
    """Return a measurement in seconds.

    Args:
        name: as `BENCHMARK/CASE`.
        a_is: the way with which the other is compared, in words.
        b_is: the way that the benchmark is about, in words.
        pairs: a sample of either, in seconds.
        figures: what else was found, by name.
    """
    a, b = zip(*pairs, strict=True)
    ratios = np.array(b) / np.array(a)
    ratio = _interval(float(np.median(ratios)), _medians(ratios, np.random.default_rng(SEED)))
    return MeasurementRecord(name, a_is, b_is, "s", a, b, ratio, figures or {})


def change_between(old: MeasurementRecord, new: MeasurementRecord) -> IntervalRecord:
    """Return by what factor the ratio of B to A has changed: 1.15 means that B has become 15 % slower, beside A."""
    before, after = np.array(old.ratios), np.array(new.ratios)
    generator = np.random.default_rng(SEED)
    drawn = _medians(after, generator) / _medians(before, generator)
    return _interval(float(np.median(after) / np.median(before)), drawn)


def _medians(samples: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    """Return the medians of as many samples as there are, drawn with replacement, many times."""
    drawn = generator.choice(samples, (RESAMPLES, len(samples)))
    medians: NDArray[np.float64] = np.median(drawn, axis=1)
    return medians


def _interval(value: float, drawn: NDArray[np.float64]) -> IntervalRecord:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, (tail, 1 - tail))
    return IntervalRecord(value, float(low), float(high))
