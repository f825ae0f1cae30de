"""Chance: what makes names and incarnations that nobody else has."""

import secrets
from typing import Protocol

__all__ = ["Entropy", "SystemEntropy"]


class Entropy(Protocol):
    """Where random bits come from. What a model draws is none of its business: that follows from the seed."""

    def bits(self, count: int) -> int:
        """Return a number of so many random bits, at least 0."""


class SystemEntropy:
    """The machine's source of secrets."""

    def bits(self, count: int) -> int:
        """Return a number of so many random bits."""
        return secrets.randbits(count)
