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
        """Advance the time, performing the actions that fall due on the way, each at its own time."""
        until = self._now + seconds
        while due := [repeated for repeated in self._repeated if repeated.due <= until]:
            first = min(due, key=lambda repeated: repeated.due)
            self._now = max(self._now, first.due)  # an earlier action may itself have slept beyond this
            first.due = math.inf  # not again while it runs
            first.action()
            first.due = self._now + first.seconds
        self._now = max(self._now, until)

    @contextmanager
    def repeating(self, action: Callable[[], None], seconds: float, name: str) -> Iterator[None]:
        """Call an action every `seconds`, during sleeps within the `with` block."""
        repeated = _Repeated(action, seconds, self._now + seconds)
        self._repeated.append(repeated)
        try:
            yield
        finally:
            self._repeated.remove(repeated)
