"""Time that passes on request."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["ManualClock"]


@dataclass(eq=False)
class _Repeated:
    action: Callable[[], None]
    seconds: float
    due: float


class ManualClock:
    """A clock for one thread: a sleep returns at once and advances the time.

    Args:
        now: initial time, in seconds.
    """

    def __init__(self, now: float = 0.0) -> None:
        self._now = now
        self._repeated: list[_Repeated] = []

    def now(self) -> float:
        """Return the time."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let time pass, and do what is due in between, each at its time."""
        until = self._now + seconds
        while due := [repeated for repeated in self._repeated if repeated.due <= until]:
            first = min(due, key=lambda repeated: repeated.due)
            self._now = max(self._now, first.due)  # an action may have slept itself
            first.due = math.inf  # until it has ended
            first.action()
            first.due = self._now + first.seconds
        self._now = max(self._now, until)

    @contextmanager
    def repeating(self, action: Callable[[], None], seconds: float, name: str) -> Iterator[None]:
        """Call an action every so many seconds, while somebody sleeps in the block."""
        repeated = _Repeated(action, seconds, self._now + seconds)
        self._repeated.append(repeated)
        try:
            yield
        finally:
            self._repeated.remove(repeated)
