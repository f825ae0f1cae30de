"""Where the time of something goes, by named part."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from splitlearn.runtime import Clock

__all__ = ["UNWATCHED", "Stopwatch", "Watch"]


class Watch(Protocol):
    """Is told which part of something is being done."""

    def part(self, name: str) -> AbstractContextManager[None]:
        """Return a context that is left when the part is done."""


class _Unwatched:
    def part(self, name: str) -> AbstractContextManager[None]:
        return nullcontext()


UNWATCHED: Watch = _Unwatched()


class Stopwatch:
    """Measures seconds since its start by named part; a part within another is not counted in the outer one.

    Not thread-safe.

    Attributes:
        parts: seconds of each part that is done.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.start()

    def start(self) -> None:
        """Start again from zero; what is in the middle of a part now is not measured."""
        self.parts: dict[str, float] = {}
        self._within: list[str] = []
        self._started = self._turned = self._clock.now()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the time of the `with` block to a part."""
        self._turn()
        within = self._within
        within.append(name)
        try:
            yield
        finally:
            self._turn()
            within.pop()

    def total(self) -> float:
        """Return the seconds since the start."""
        return self._clock.now() - self._started

    def _turn(self) -> None:
        """Add the time since the last turn to the innermost part."""
        now = self._clock.now()
        if self._within:
            name = self._within[-1]
            self.parts[name] = self.parts.get(name, 0.0) + now - self._turned
        self._turned = now
