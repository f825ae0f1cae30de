"""Counts the requests of a trunk."""

from typing import Protocol

__all__ = ["Meter", "NullMeter"]


class Meter(Protocol):
    """Receives answered requests."""

    def answered(self, method: str, code: str) -> None:
        """Count a request to a method, given by its full path, that ended with a status code."""


class NullMeter:
    """Counts nothing."""

    def answered(self, method: str, code: str) -> None:
        """Do nothing."""
