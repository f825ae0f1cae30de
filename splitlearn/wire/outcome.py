"""Answers that are already there, and answers derived from others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NoReturn, TypeVar

from splitlearn.wire.errors import WireError

__all__ = ["Failed", "Later", "Ready"]

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Ready(Generic[T_co]):
    """An answer that is already there."""

    value: T_co

    def result(self) -> T_co:
        """Return the answer."""
        return self.value


@dataclass(frozen=True)
class Failed:
    """A call that has already failed."""

    error: WireError

    def result(self) -> NoReturn:
        """Raise the error."""
        raise self.error


@dataclass(frozen=True)
class Later(Generic[T_co]):
    """An answer that is computed when it is asked for."""

    find: Callable[[], T_co]

    def result(self) -> T_co:
        """Compute and return the answer, or raise what computing it raises."""
        return self.find()
