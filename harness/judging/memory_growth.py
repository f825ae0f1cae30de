"""How memory grows: with the steps of a run, and with the requests of hostile peers."""

from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np

from harness.trace.memory_sample import MemorySample

__all__ = ["growth_with_requests", "growth_with_steps"]

# One-time allocations during warm-up are not growth: memory levels off within some sixty steps.
WARM_UP_SAMPLES = 60


def growth_with_steps(samples: Iterable[MemorySample]) -> tuple[float, int]:
    """Fit the growth in bytes per step that all lives of one party have in common.

    Each life has a level of its own, and its first samples are left out.

    Returns:
        The growth, and the number of samples that it rests on.
    """
    lives = [list(group)[WARM_UP_SAMPLES:] for _, group in groupby(samples, key=lambda sample: sample.life)]
    series = [([s.step for s in life], [s.nbytes for s in life]) for life in lives if len(life) > 1]
    return _common_slope(series), sum(len(steps) for steps, _ in series)


def growth_with_requests(answered: Sequence[int], resident: Sequence[int]) -> float:
    """Fit the growth of resident memory in bytes per 1,000 requests.

    The first third is left out: one-time allocations for each new kind of request are not growth.
    """
    warm = len(answered) // 3
    return 1000 * _common_slope([(answered[warm:], resident[warm:])])


def _common_slope(series: Sequence[tuple[Sequence[int], Sequence[int]]]) -> float:
    """Fit the slope that series of (x, y) have in common, each about its own mean, by least squares; 0 without any."""
    if not series:
        return 0.0
    xs, ys = (np.concatenate([np.subtract(each[axis], np.mean(each[axis])) for each in series]) for axis in (0, 1))
    return float(np.linalg.lstsq(xs[:, np.newaxis], ys, rcond=None)[0][0])
