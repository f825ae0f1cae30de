"""Counts the requests of a trunk."""

from typing import Protocol

__all__ = ["Meter", "NullMeter"]


class Meter(Protocol):
    """Receives requests as they end."""

    def answered(self, method: str, code: str) -> None:
        """Count a request that ended.

        Args:
            method: its full path.
            code: name of the status code; CANCELLED if the client gave it up.
        """


class NullMeter:
    """Counts nothing."""

    def answered(self, method: str, code: str) -> None:
        """Do nothing."""
