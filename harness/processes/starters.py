"""The real programs as processes: started, watched, ended; none outlives the harness.

There are two ways to start one, with the same entry point and arguments: `ColdStarter` starts an interpreter,
`WarmStarter` forks a parent that has already imported torch. Settings in the harness's environment do not reach them: a
scenario is the same wherever it is run.
"""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from harness.errors import HarnessError, TimedOutError
from harness.launcher import launched
from splitlearn.config.environment import without_settings
from splitlearn.wire.words import printable

__all__ = ["ColdStarter", "Program", "Starter", "WarmStarter"]

LOG_LINES = 15
# As tqdm draws it, with a total and without: ` 17%|█▋   | 1/6 [00:01<00:05, …]` and `3step [00:01, …]`.
BAR = re.compile(r"[^|\[]*(\d+%\|[^|]*\| \S+/\S+|\d+\w*) \[\d+:\d\d[^\]]*\]")
START_TIMEOUT = 120.0
STOP_TIMEOUT = 20.0
# A program that waits for others before it exits, as a trunk does for clients, gets a second signal to end that wait.
POLITE_SECONDS = 2.0
FORK_SERVER = ("-m", "harness.processes.forkserver")
MODULES = {"splitlearn": "splitlearn", "reference": "harness.oracle"}


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


class Starter(Protocol):
    """Starts programs."""

    def start(self, name: str, program: str, argv: Sequence[str], log: Path) -> Program:
        """Start `splitlearn` or `reference` with arguments; output goes to `log`."""


class ColdStarter(AbstractContextManager["ColdStarter"]):
    """Starts each program in its own interpreter; a context manager that ends those still running."""

    def __init__(self) -> None:
        self._programs: list[Program] = []
        # A program dies with the thread that started it, so that must not be a short-lived thread.
        self._parent = ThreadPoolExecutor(1, "starter")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all programs that are still running."""
        for program in self._programs:
            program.stop()
        self._parent.shutdown()

    def start(self, name: str, program: str, argv: Sequence[str], log: Path) -> Program:
        """Start `splitlearn` or `reference` with arguments; output goes to `log`."""
        command = launched([sys.executable, "-m", MODULES[program], *argv])
        with log.open("ab") as out:
            popen = partial(
                subprocess.Popen,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                env=without_settings(os.environ),
            )
            process = self._parent.submit(popen, command).result()
        started = Program(name, process.pid, log)
        threading.Thread(target=lambda: started.ended(process.wait()), daemon=True, name=f"wait-{name}").start()
        self._programs.append(started)
        return started


class WarmStarter(AbstractContextManager["WarmStarter"]):
    """Forks programs from a warmed parent; a context manager that ends the parent, and with it every child.

    Args:
        server: interpreter arguments that start the parent.
    """

    def __init__(self, server: Sequence[str] = FORK_SERVER) -> None:
        self._server = subprocess.Popen(
            launched([sys.executable, *server]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            env=without_settings(os.environ),
        )
        self._ids = itertools.count()
        self._changed = threading.Condition()
        self._pids: dict[int, int] = {}
        self._programs: dict[int, Program] = {}
        self._exits: dict[int, int] = {}
        self._alive = True
        self._listener = threading.Thread(target=self._listen, daemon=True, name="forkserver")
        self._listener.start()

    def __enter__(self) -> Self:
        """Return the starter, while the parent warms up."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the parent; its children die with it."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with suppress(BrokenPipeError):
            self._server.stdin.close()
        try:
            self._server.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        self._listener.join()
        self._server.stdout.close()

    def start(self, name: str, program: str, argv: Sequence[str], log: Path) -> Program:
        """Start `splitlearn` or `reference` with arguments; output goes to `log`."""
        number = next(self._ids)
        request = {"id": number, "program": program, "argv": list(argv), "log": str(log)}
        assert self._server.stdin is not None
        # A dead server is noticed below, by the end of its output.
        with suppress(BrokenPipeError):
            self._server.stdin.write(json.dumps(request).encode() + b"\n")
            self._server.stdin.flush()
        with self._changed:
            answered = self._changed.wait_for(lambda: number in self._pids or not self._alive, START_TIMEOUT)
            if not answered or not self._alive:
                raise HarnessError("the fork server does not answer; start programs cold to see why")
            pid = self._pids.pop(number)
            started = self._programs[pid] = Program(name, pid, log)
            if pid in self._exits:
                self._programs.pop(pid).ended(self._exits.pop(pid))
        return started

    def _listen(self) -> None:
        assert self._server.stdout is not None
        for line in self._server.stdout:
            values = json.loads(line)
            with self._changed:
                if "id" in values:
                    self._pids[values["id"]] = values["pid"]
                elif "exited" in values:
                    self._note_exit(values["exited"], values["status"])
                self._changed.notify_all()
        with self._changed:
            self._alive = False
            for program in self._programs.values():
                program.ended(-signal.SIGKILL)
            self._changed.notify_all()

    def _note_exit(self, pid: int, status: int) -> None:
        program = self._programs.pop(pid, None)
        if program is None:
            self._exits[pid] = status  # it ended before its start was answered
        else:
            program.ended(status)
