"""Entropy for unique names and incarnations."""

import secrets
from typing import Protocol

__all__ = ["Entropy", "SystemEntropy"]


class Entropy(Protocol):
    """A source of random bits. Not for what a model draws: that follows from the seed."""

    def bits(self, count: int) -> int:
        """Return `count` random bits as a number."""


class SystemEntropy:
    """The machine's source of secrets."""

    def bits(self, count: int) -> int:
        """Return `count` random bits as a number."""
        return secrets.randbits(count)
