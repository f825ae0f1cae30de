"""A program that the harness has started: watched, signalled, ended."""

import os
import re
import signal
import threading
from contextlib import suppress
from pathlib import Path

from harness.errors import HarnessError, TimedOutError
from splitlearn.wire.words import printable

__all__ = ["STOP_TIMEOUT", "Program"]

LOG_LINES = 15
# As tqdm draws it, with a total and without: ` 17%|█▋   | 1/6 [00:01<00:05, …]` and `3step [00:01, …]`.
BAR = re.compile(r"[^|\[]*(\d+%\|[^|]*\| \S+/\S+|\d+\w*) \[\d+:\d\d[^\]]*\]")
# Seconds that ending may take.
STOP_TIMEOUT = 20.0
# A program that waits for others before it exits, as a trunk does for clients, gets a second signal to end that wait.
# Not before it has had the time to unload its libraries on a busy machine: then the signal would be its exit status.
POLITE_SECONDS = 10.0


class Program:
    """A running program."""

    def __init__(self, name: str, pid: int, log: Path) -> None:
        self.name = name
        self.pid = pid
        self.log = log
        self._exited = threading.Event()
        self._status = 0

    @property
    def running(self) -> bool:
        """Whether it is still running."""
        return not self._exited.is_set()

    def wait(self, timeout: float) -> int:
        """Wait for the end; return the exit status, negative for a signal; raises `TimedOutError`."""
        if not self._exited.wait(timeout):
            raise TimedOutError(f"{self.name} still runs after {timeout:g} s; its log ends:\n{self.last_lines()}")
        return self._status

    def wait_a_while(self, seconds: float) -> None:
        """Wait for the end, up to a timeout."""
        self._exited.wait(seconds)

    def must_run(self) -> None:
        """Raise `HarnessError` with the last lines of its log if it has ended."""
        if not self.running:
            raise HarnessError(f"{self.name} ended with status {self._status}; its log ends:\n{self.last_lines()}")

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        # Its parent may have reaped it before this process was told.
        if self.running:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def stop(self) -> int:
        """Ask it to end, and make it end when it does not; return the exit status."""
        for seconds in (POLITE_SECONDS, STOP_TIMEOUT):
            self.send(signal.SIGTERM)
            with suppress(TimedOutError):
                return self.wait(seconds)
        self.send(signal.SIGKILL)
        return self.wait(STOP_TIMEOUT)

    def last_lines(self) -> str:
        """Return the last lines of its log, printable, without progress bars."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        lines = (BAR.sub("", line).rstrip() for line in text.replace("\r", "\n").splitlines())
        return "\n".join("  " + printable(line) for line in [line for line in lines if line][-LOG_LINES:])

    def ended(self, status: int) -> None:
        """Record its end; called by the starter."""
        self._status = status
        self._exited.set()
