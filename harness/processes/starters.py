"""Starts the real programs as processes; none outlives the harness.

There are two ways to start one, with the same entry point and arguments: `ColdStarter` starts an interpreter,
`WarmStarter` forks a parent that has already imported torch. Settings in the harness's environment do not reach them: a
scenario is the same wherever it is run.
"""

import itertools
import json
import os
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

from harness.errors import HarnessError
from harness.launcher import launched
from harness.processes.program import STOP_TIMEOUT, Program
from splitlearn.config.environment import without_settings

__all__ = ["ColdStarter", "Starter", "WarmStarter"]

START_TIMEOUT = 120.0
FORK_SERVER = ("-m", "harness.processes.forkserver")
MODULES = {"splitlearn": "splitlearn", "reference": "harness.oracle"}


class Starter(Protocol):
    """Starts programs."""

    def start(self, name: str, program: str, argv: Sequence[str], log: Path) -> Program:
        """Start `splitlearn`, `reference` or a module by its name, with arguments; output goes to `log`."""


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
        """Start `splitlearn`, `reference` or a module by its name, with arguments; output goes to `log`."""
        command = launched([sys.executable, "-m", MODULES.get(program, program), *argv])
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
        """Start `splitlearn`, `reference` or a module by its name, with arguments; output goes to `log`."""
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
