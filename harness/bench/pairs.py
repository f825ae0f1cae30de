"""Takes samples of two ways of doing the same work in turn, so that the machine's other load is in both alike."""

import math
import time
from collections.abc import Callable, Sequence
from functools import partial

from tqdm import tqdm

__all__ = ["pairs_of", "timed"]


def pairs_of(count: int, a: Callable[[], float], b: Callable[[], float]) -> Sequence[tuple[float, float]]:
    """Return pairs of samples.

    A comes first in every other pair, so that a drift of the machine's speed favors neither.

    Args:
        count: how many pairs.
        a: takes a sample of one way.
        b: takes a sample of the other.
    """
    pairs = []
    for number in tqdm(range(count), unit=" pairs", leave=False, dynamic_ncols=True, disable=None):
        if number % 2:
            second = b()
            pairs.append((a(), second))
        else:
            first = a()
            pairs.append((first, b()))
    return pairs


def timed(act: Callable[[], object], at_least: float = 0.0) -> Callable[[], float]:
    """Return a function that acts and returns the seconds that this took.

    Args:
        act: may be called any number of times.
        at_least: seconds of a sample, of which short acts get as many calls as fit; it is their mean.
    """
    calls = max(1, math.ceil(at_least / _seconds_of(act, 1))) if at_least else 1
    return partial(_seconds_of, act, calls)


def _seconds_of(act: Callable[[], object], calls: int) -> float:
    """Return the mean of some calls."""
    began = time.perf_counter()
    for _ in range(calls):
        act()
    return (time.perf_counter() - began) / calls
