"""Whoever counts the requests of a trunk."""

from typing import Protocol

__all__ = ["Meter", "NullMeter"]


class Meter(Protocol):
    """Where answered requests are counted."""

    def answered(self, method: str, code: str) -> None:
        """Count a request to a method, by its whole path, that ended with a status code."""


class NullMeter:
    """Nobody counts."""

    def answered(self, method: str, code: str) -> None:
        """Do nothing."""
