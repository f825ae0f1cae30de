"""The kernel of a discrete-event simulation: a virtual clock, and a scheduler of greenlets.

Everything runs in one thread. A greenlet runs until it waits; then the kernel pops the earliest timer off its queue,
advances the clock to it, and calls its action. Timers due at the same time fire in the order in which they were
scheduled.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from greenlet import getcurrent, greenlet

__all__ = ["Kernel", "Signal", "StuckError", "Timer"]

# Number of timers that may fire without any virtual time passing.
MOST_AT_ONCE = 100_000


class StuckError(Exception):
    """The simulation cannot finish: no timer is left, the next one is due too late, or time stands still."""


@dataclass(eq=False, slots=True)
class Timer:
    """A scheduled action.

    Attributes:
        due: virtual time in seconds at which it fires.
        action: called when the timer fires; None once it has fired or was canceled.
    """

    due: float
    action: Callable[[], object] | None

    def cancel(self) -> None:
        """Cancel the timer; does nothing if it has fired."""
        self.action = None


class Kernel:
    """The simulated world's clock and scheduler.

    Attributes:
        now: current virtual time in seconds.
    """

    def __init__(self) -> None:
        self.now = 0.0
        # By due time; a sequence number breaks ties between timers due at the same time.
        self._queue: list[tuple[float, int, Timer]] = []
        self._count = 0
        self._hub = getcurrent()

    def after(self, seconds: float, action: Callable[[], object]) -> Timer:
        """Schedule an action after some virtual seconds, negative ones counting as 0; return its timer."""
        self._count += 1
        timer = Timer(self.now + max(0.0, seconds), action)
        heapq.heappush(self._queue, (timer.due, self._count, timer))
        return timer

    def run(self, is_over: Callable[[], bool], limit: float) -> None:
        """Run the simulation until a condition holds.

        Args:
            is_over: the condition; evaluated before every timer.
            limit: virtual time in seconds by which the condition must hold.

        Raises:
            StuckError: no timer is left, the next one is due after `limit`, or time does not advance.
        """
        assert getcurrent() is self._hub, "the kernel must run in the greenlet that created it"
        since, fired = self.now, 0
        while not is_over():
            timer = self._next()
            if timer is None:
                raise StuckError(f"no event is scheduled after {self.now:.3f} s")
            if timer.due > limit:
                raise StuckError(f"the run has not finished by {limit:g} s of virtual time")
            since, fired = timer.due, fired + 1 if timer.due == since else 0
            if fired > MOST_AT_ONCE:
                raise StuckError(f"time stands still at {self.now:.3f} s: somebody waits for no time, again and again")
            self.now = timer.due
            action, timer.action = timer.action, None
            assert action is not None
            action()

    def start(self, body: Callable[[], None]) -> "greenlet":
        """Return a new greenlet, scheduled to start at the current time; `body` must not raise."""
        made = greenlet(body, self._hub)
        self.after(0.0, lambda: made.dead or made.switch())
        return made

    def wait(self) -> Any:  # noqa: ANN401 - whatever it is woken with
        """Suspend the current greenlet until it is resumed; return the value it is resumed with."""
        assert getcurrent() is not self._hub, "the kernel's own greenlet must not wait"
        return self._hub.switch()

    def _next(self) -> Timer | None:
        while self._queue:
            _due, _number, timer = heapq.heappop(self._queue)
            if timer.action is not None:
                return timer
        return None


class Signal:
    """A one-shot event that greenlets can wait for; once set, it stays set.

    Args:
        kernel: the kernel of the world.

    Attributes:
        is_set: whether the signal has been set.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.is_set = False
        self._kernel = kernel
        self._waiting: list[Callable[[], object]] = []

    def set(self) -> None:
        """Set the signal, and call the registered functions in the order of their registration."""
        if not self.is_set:
            self.is_set = True
            for wake in self._waiting:
                wake()
            self._waiting.clear()

    def on_set(self, wake: Callable[[], object]) -> None:
        """Call a function when the signal is set; at once if it is set already."""
        if self.is_set:
            wake()
        else:
            self._waiting.append(wake)
