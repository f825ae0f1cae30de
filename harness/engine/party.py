"""One side of a run: its program, ended and restarted as faults ask."""

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import psutil

from harness.errors import HarnessError, TimedOutError
from harness.processes.program import Program
from harness.trace.event import Event

__all__ = ["Party"]

# Longer than a trunk waits for its clients to save.
STOP_TIMEOUT = 90.0
PAUSE_TIMEOUT = 10.0
DONE = 0
WATCH_SECONDS = 0.2


class Party:
    """The program of a party, over all its lives.

    Args:
        name: client or trunk.
        launch: starts the program; the argument says whether it has run before.
        note: adds an event to the trace.
    """

    def __init__(self, name: str, launch: Callable[[bool], Program], note: Callable[..., Event]) -> None:
        self.name = name
        self._launch = launch
        self._note = note
        self._lives: list[Program] = []
        # Lives that a fault has ended or is about to end: the run waits for the next one.
        self._given_up = 0
        self._killed: set[Program] = set()
        self._asked: Program | None = None
        self._changed = threading.Condition()

    @property
    def program(self) -> Program:
        """The newest life."""
        return self._lives[-1]

    @property
    def lives(self) -> int:
        """Number of times it was started."""
        return len(self._lives)

    def start(self) -> None:
        """Start or restart it."""
        with self._changed:
            again = bool(self._lives)
            self._lives.append(self._launch(again))
            self._changed.notify_all()
        if again:
            self._note("harness", "process.started", party=self.name, life=self.lives)

    def kill(self) -> None:
        """Kill it; raises `HarnessError` if it ends by itself."""
        program = self._give_up()
        self._killed.add(program)
        program.send(signal.SIGKILL)
        status = program.wait(STOP_TIMEOUT)
        if status != -signal.SIGKILL:
            raise HarnessError(f"the {self.name} ended with status {status} before it could be killed")
        self._note("harness", "process.killed", party=self.name, life=self.lives)

    def ask_to_stop(self) -> None:
        """Send SIGTERM; raises `HarnessError` if it ends by itself."""
        self._asked = self._give_up()
        self._asked.send(signal.SIGTERM)

    def start_when_stopped(self, expected: int) -> None:
        """Wait for the requested end and restart.

        If another fault killed it meanwhile, or its work was done, there is nothing to start.

        Raises:
            HarnessError: it ended with an unexpected status, or does not end.
        """
        assert self._asked is not None
        status = self._asked.wait(STOP_TIMEOUT)
        if self._asked in self._killed or self._asked is not self.program:
            return  # the fault that killed it restarts it, or another that asked it to stop has done so
        if status == DONE != expected:
            with self._changed:
                self._given_up -= 1
                self._changed.notify_all()
            return
        if status != expected:
            raise HarnessError(f"the {self.name}, asked to stop, ended with status {status} instead of {expected}")
        self._note("harness", "process.stopped", party=self.name, life=self.lives, status=status)
        self.start()

    def pause(self) -> None:
        """Send SIGSTOP; raises `HarnessError` if it does not stop in time."""
        program = self._running_program()
        program.send(signal.SIGSTOP)
        self._wait_until_stopped(program)
        self._note("harness", "process.paused", party=self.name)

    def go_on(self) -> None:
        """Resume a paused program."""
        self.program.send(signal.SIGCONT)
        self._note("harness", "process.continued", party=self.name)

    def must_live(self) -> None:
        """Raise `HarnessError` with the last lines of its log if it has ended and no fault has ended it."""
        with self._changed:
            if self._given_up < self.lives:
                self.program.must_run()

    def wait_for_end(self, timeout: float, meanwhile: Callable[[], None]) -> int:
        """Wait for the end of the life that no fault ends; return its exit status.

        Args:
            timeout: seconds.
            meanwhile: called from time to time; may raise to end a pointless wait.

        Raises:
            TimedOutError: it still runs.
            HarnessError: a fault ended it and it was not restarted.
        """
        deadline = time.monotonic() + timeout
        while True:
            life, program = self.lives, self.program
            while program.running and time.monotonic() < deadline:
                program.wait_a_while(WATCH_SECONDS)
                meanwhile()
            if program.running:
                ending = f"its log ends:\n{program.last_lines()}"
                raise TimedOutError(f"{self.name} still runs after {timeout:g} s; {ending}")
            status = program.wait(STOP_TIMEOUT)
            with self._changed:
                left = max(0.0, deadline - time.monotonic())
                if not self._changed.wait_for(partial(self._is_settled, life), left):
                    raise HarnessError(f"the {self.name} was ended by a fault and not started again")
                if self.lives == life:
                    return status

    def end(self) -> int:
        """Ask it to end, and kill it if it does not; return the exit status."""
        self.program.send(signal.SIGCONT)
        return self.program.stop()

    def _is_settled(self, life: int) -> bool:
        """Return whether an ended life was the last one, or has been followed by another."""
        return self._given_up < life or self.lives > life

    def _give_up(self) -> Program:
        program = self._running_program()
        with self._changed:
            self._given_up = self.lives
        return program

    def _running_program(self) -> Program:
        """Return the newest life; if a fault is about to start one, wait for that."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.program.running or self._given_up < self.lives, STOP_TIMEOUT):
                raise HarnessError(f"the {self.name} was not started again in time")
            if not self.program.running:
                raise HarnessError(f"the {self.name} had ended already")
            return self.program

    def _wait_until_stopped(self, program: Program) -> None:
        deadline = time.monotonic() + PAUSE_TIMEOUT
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(program.pid)
            while time.monotonic() < deadline:
                if process.status() == psutil.STATUS_STOPPED:
                    return
                program.wait_a_while(0.002)
        raise HarnessError(f"the {self.name} did not stand still within {PAUSE_TIMEOUT:g} s")
