"""Virtual time, and the greenlets that live in it.

There is one thread. A greenlet runs until it waits; then the kernel takes the earliest event, advances the time to it,
and carries it out. Events of the same time are carried out in the order in which they were made.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from greenlet import getcurrent, greenlet

__all__ = ["Kernel", "Signal", "StuckError", "Timer"]


class StuckError(Exception):
    """Nothing is left that could happen, or the time is over."""


@dataclass(order=True)
class Timer:
    """Something that will happen, unless it is cancelled.

    Attributes:
        due: virtual time in seconds.
        number: position among everything that was ever scheduled.
        action: carried out when it is due; None once it is cancelled.
    """

    due: float
    number: int
    action: Callable[[], object] | None = field(compare=False)

    def cancel(self) -> None:
        """Prevent it."""
        self.action = None


class Kernel:
    """The world's clock and scheduler.

    Attributes:
        now: virtual time in seconds.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._queue: list[Timer] = []
        self._count = 0
        self._hub = getcurrent()

    def after(self, seconds: float, action: Callable[[], object]) -> Timer:
        """Schedule an action; returns its timer."""
        self._count += 1
        timer = Timer(self.now + max(0.0, seconds), self._count, action)
        heapq.heappush(self._queue, timer)
        return timer

    def run(self, is_over: Callable[[], bool], limit: float) -> None:
        """Let time pass until the condition holds.

        Args:
            is_over: asked before every event.
            limit: virtual time in seconds at which the world must have come to that.

        Raises:
            StuckError: it has not, or nothing is left to happen.
        """
        assert getcurrent() is self._hub, "the world is run by the greenlet that made it"
        while not is_over():
            timer = self._next()
            if timer is None:
                raise StuckError(f"nothing is left to happen at {self.now:.3f} s")
            if timer.due > limit:
                raise StuckError(f"it is not over after {limit:g} s of virtual time")
            self.now = timer.due
            action, timer.action = timer.action, None
            assert action is not None
            action()

    def start(self, body: Callable[[], None]) -> "greenlet":
        """Start a greenlet soon; it must let no exception out."""
        made = greenlet(body, self._hub)
        self.after(0.0, lambda: made.dead or made.switch())
        return made

    def wait(self) -> Any:  # noqa: ANN401 - whatever it is woken with
        """Give up control until this greenlet is switched to."""
        assert getcurrent() is not self._hub, "the hub waits for nothing but the next event"
        return self._hub.switch()

    def _next(self) -> Timer | None:
        while self._queue:
            timer = heapq.heappop(self._queue)
            if timer.action is not None:
                return timer
        return None


class Signal:
    """Something that greenlets wait for; once it is set, it stays so.

    Args:
        kernel: wakes them.

    Attributes:
        is_set: whether it has happened.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.is_set = False
        self._kernel = kernel
        self._waiting: list[Callable[[], object]] = []

    def set(self) -> None:
        """Let it happen: everyone who waits goes on, in the order of their coming."""
        if not self.is_set:
            self.is_set = True
            for wake in self._waiting:
                wake()
            self._waiting.clear()

    def on_set(self, wake: Callable[[], object]) -> None:
        """Call a function when it happens."""
        if self.is_set:
            wake()
        else:
            self._waiting.append(wake)
