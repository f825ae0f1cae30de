"""A simulated process: a group of greenlets that are paused, resumed and killed together."""

import math
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from greenlet import getcurrent, greenlet

from harness.sim.kernel import Kernel, Signal

__all__ = ["Process", "ProcessKilledError"]


class ProcessKilledError(BaseException):
    """Raised in the greenlets of a killed process to unwind them; while they unwind, no port has any effect."""


class Process:
    """A process that runs a program; it is scheduled to start when constructed.

    Args:
        kernel: schedules its greenlets.
        name: name of the party.
        main: the program; returns the exit status, or raises.
        on_end: called in the kernel's greenlet when the program has returned or raised; not when it was killed.

    Attributes:
        alive: whether it has neither ended nor been killed.
        paused: whether it is paused.
        status: exit status; None while it runs, or if it was killed or ended by an exception.
        error: the exception that ended it; None if there was none.
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
        # Wake-ups that came while it was paused, in order.
        self._missed: deque[Callable[[], None]] = deque()
        self._main = main
        self._on_end = on_end
        self.start(self._run_main)

    def start(self, body: Callable[[], None]) -> None:
        """Run a function in a new greenlet of this process; the greenlet is killed when the process ends."""

        def guarded() -> None:
            with suppress(ProcessKilledError):
                self.must_live()
                self._run(body)

        self._greenlets.append(self.kernel.start(guarded))

    @property
    def is_current(self) -> bool:
        """Whether the greenlet that runs now is one of its own."""
        return getcurrent() in self._greenlets

    def on_gone(self, action: Callable[[], None]) -> None:
        """Register cleanup for when the process has ended or was killed, such as closing its sockets."""
        self._on_gone.append(action)

    def must_live(self) -> None:
        """Raise `ProcessKilledError` if the process is no longer alive."""
        if not self.alive:
            raise ProcessKilledError

    def sleep(self, seconds: float) -> None:
        """Suspend the current greenlet for some virtual seconds."""
        self.must_live()
        me = getcurrent()
        self.kernel.after(seconds, lambda: self._resume(me, woken=False))
        self.kernel.wait()
        self.must_live()

    def wait_for(self, signal: Signal, seconds: float = math.inf) -> bool:
        """Wait until a signal is set, for at most some virtual seconds; return whether it was set in time."""
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
        """Pause the process, as SIGSTOP does: none of its greenlets is resumed until `go_on`."""
        self.paused = True

    def go_on(self) -> None:
        """Continue a paused process; wake-ups that came during the pause are delivered now, in order."""
        self.paused = False
        while self._missed and not self.paused:
            self._missed.popleft()()

    def kill(self) -> None:
        """End the process at once and unwind its greenlets; must be called from the kernel's greenlet."""
        self.alive = False
        self._missed.clear()
        for each in self._greenlets:
            if each:  # started and not finished; one that has not started will find the process dead
                each.throw(ProcessKilledError)
        self._greenlets.clear()
        for action in self._on_gone:
            action()
        self._on_gone.clear()

    def _run_main(self) -> None:
        raise SystemExit(self._main(self))

    def _run(self, body: Callable[[], None]) -> None:
        try:
            body()
            return
        except SystemExit as stop:
            self.status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        except Exception as error:  # noqa: BLE001 - any error ends the simulated process, and its party reports it
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
