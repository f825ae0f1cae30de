"""Where the time of a step goes."""

from collections.abc import Iterator
from contextlib import contextmanager

from splitlearn.runtime import Clock

__all__ = ["Stopwatch"]


class Stopwatch:
    """Measures seconds since its creation, by named part."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.parts: dict[str, float] = {}
        self._started = self._clock.now()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the time of the `with` block to a part."""
        started = self._clock.now()
        try:
            yield
        finally:
            self.parts[name] = self.parts.get(name, 0.0) + self._clock.now() - started

    def total(self) -> float:
        """Return the seconds since the watch was created."""
        return self._clock.now() - self._started
