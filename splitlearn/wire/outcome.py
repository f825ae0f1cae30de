"""Answers to calls that nobody needs to wait for, and answers that are made of others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NoReturn, TypeVar

from splitlearn.wire.errors import WireError

__all__ = ["Failed", "Later", "Ready"]

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Ready(Generic[T_co]):
    """An answer that is there already."""

    value: T_co

    def result(self) -> T_co:
        """Return the answer."""
        return self.value


@dataclass(frozen=True)
class Failed:
    """A call that has failed already."""

    error: WireError

    def result(self) -> NoReturn:
        """Raise the error."""
        raise self.error


@dataclass(frozen=True)
class Later(Generic[T_co]):
    """An answer that is found when it is asked for."""

    find: Callable[[], T_co]

    def result(self) -> T_co:
        """Return what is found, or raise what finding it raises."""
        return self.find()
