"""One life of a party's program: greenlets that run together, stand still together and end together."""

import math
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from greenlet import getcurrent, greenlet

from harness.sim.kernel import Kernel, Signal

__all__ = ["Process", "ProcessKilledError"]


class ProcessKilledError(BaseException):
    """The process was killed: its code unwinds, and none of its ports carries anything out any more."""


class Process:
    """A program that runs.

    Args:
        kernel: schedules it.
        name: of the party.
        main: the program; returns the exit status, or raises.
        on_end: called in the kernel's own greenlet when the main program has ended by itself.

    Attributes:
        alive: whether it has neither ended nor been killed.
        paused: whether it stands still.
        status: exit status; None while it runs, or if it was killed or ended by an exception.
        error: the exception that ended it, if one has.
    """

    def __init__(
        self, kernel: Kernel, name: str, main: Callable[["Process"], int], on_end: Callable[["Process"], None]
    ) -> None:
        self.kernel = kernel
        self.name = name
        self.alive = True
        self.paused = False
        self.status: int | None = None
        self.error: Exception | None = None
        self._greenlets: list[greenlet] = []
        self._on_gone: list[Callable[[], None]] = []
        # What would have woken it while it stood still, in order.
        self._missed: deque[Callable[[], None]] = deque()
        self._main = main
        self._on_end = on_end
        self.start(self._run_main)

    def start(self, body: Callable[[], None]) -> None:
        """Run something alongside the program, until the process ends."""

        def guarded() -> None:
            with suppress(ProcessKilledError):
                self.must_live()
                body()

        self._greenlets.append(self.kernel.start(guarded))

    def on_gone(self, action: Callable[[], None]) -> None:
        """Do something when the process is gone, however it ended: what the operating system does for it."""
        self._on_gone.append(action)

    def must_live(self) -> None:
        """Raise `ProcessKilledError` in whatever still unwinds after the process has been killed."""
        if not self.alive:
            raise ProcessKilledError

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds of virtual time."""
        self.must_live()
        me = getcurrent()
        self.kernel.after(seconds, lambda: self._resume(me, woken=False))
        self.kernel.wait()
        self.must_live()

    def wait_for(self, signal: Signal, seconds: float = math.inf) -> bool:
        """Wait until something happens; return whether it did within so many seconds."""
        self.must_live()
        if signal.is_set:
            return True
        me, waiting = getcurrent(), [True]

        def wake(*, woken: bool) -> None:
            if waiting:
                waiting.clear()
                self._resume(me, woken=woken)

        timer = self.kernel.after(seconds, lambda: wake(woken=False)) if math.isfinite(seconds) else None
        signal.on_set(lambda: self.kernel.after(0.0, lambda: wake(woken=True)))
        happened = bool(self.kernel.wait())
        if timer:
            timer.cancel()
        self.must_live()
        return happened

    def pause(self) -> None:
        """Stand still, as after SIGSTOP."""
        self.paused = True

    def go_on(self) -> None:
        """Go on after a pause; what happened meanwhile is noticed now, in its order."""
        self.paused = False
        while self._missed and not self.paused:
            self._missed.popleft()()

    def kill(self) -> None:
        """End at once: nothing that the code does while it unwinds has any effect. Called by the kernel's greenlet."""
        self.alive = False
        self._missed.clear()
        for each in self._greenlets:
            if each:  # it has begun and not ended; one that has not begun will see that the process is gone
                each.throw(ProcessKilledError)
        self._greenlets.clear()
        for action in self._on_gone:
            action()
        self._on_gone.clear()

    def _run_main(self) -> None:
        try:
            self.status = self._main(self)
        except Exception as error:  # noqa: BLE001 - it ends the simulated process, whose party tells it
            self.error = error
        self.kernel.after(0.0, self._ended)

    def _ended(self) -> None:
        if self.alive:
            self.kill()
            self._on_end(self)

    def _resume(self, waiting: greenlet, *, woken: bool) -> None:
        if self.paused:
            self._missed.append(lambda: self._resume(waiting, woken=woken))
        elif self.alive and not waiting.dead:
            waiting.switch(woken)
