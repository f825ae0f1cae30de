"""Arithmetic in float64 that can round as badly as float32 may.

A sum of n products, computed in any order, is off by about √n·u times the sum of their magnitudes, with u = 2^-24: that
is the probabilistic bound of Higham and Mary ("A New Approach to Probabilistic Rounding Error Analysis", 2019), where
the certain one has n instead of √n. So every result is x + δ with |δ| ≤ √n·u·m, where the caller gives n and m. An
exact computation takes δ = 0; a rounding one takes δ = ±√n·u·m, with random signs, everywhere.
"""

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Arithmetic", "Array"]

Array: TypeAlias = NDArray[np.float64]

UNIT = 2.0**-24


@dataclass(frozen=True)
class Arithmetic:
    """Computes exactly, but for float64's own rounding, or with the worst rounding of float32 in random directions.

    Attributes:
        chance: draws the directions; None computes exactly.
    """

    chance: np.random.Generator | None = None

    def rounded(self, exact: Array, count: int = 1, magnitude: Array | None = None) -> Array:
        """Return a result of `count` operations on terms whose magnitudes add up to `magnitude`, or to the result's."""
        if self.chance is None:
            return exact
        size = np.abs(exact) if magnitude is None else magnitude
        signs = self.chance.integers(0, 2, size=exact.shape) * 2.0 - 1.0
        return exact + UNIT * math.sqrt(count) * size * signs

    def product(self, a: Array, b: Array, factor: float = 1.0) -> Array:
        """Return a matrix product, scaled."""
        if self.chance is None:
            return (a @ b) * factor
        return self.rounded((a @ b) * factor, a.shape[-1] + 1, (np.abs(a) @ np.abs(b)) * abs(factor))

    def total(self, terms: Array, axes: tuple[int, ...]) -> Array:
        """Return a sum over axes."""
        count = int(np.prod([terms.shape[axis] for axis in axes]))
        exact: Array = terms.sum(axes)
        return self.rounded(exact, count, np.abs(terms).sum(axes))
