"""A parent process that has imported everything, so that a program starts as fast as a fork.

Runs as `python -m harness.processes.forkserver`. Reads requests from standard input, one JSON object a line:
`{"id", "program", "argv", "log"}`, whose program is one of `PROGRAMS` or a module with a `main`; answers `{"id",
"pid"}`, and later `{"exited": pid, "status": n}`. The forked child runs the same entry point with the same arguments as
the shell command; before the fork nothing has been computed, no thread started and no channel opened.
"""

import importlib
import json
import os
import select
import signal
import sys
from pathlib import Path
from typing import Any

from harness.launcher import die_with_parent

__all__ = ["PROGRAMS", "main"]

PROGRAMS = {"splitlearn": "splitlearn.cli", "reference": "harness.oracle.cli"}
WARMED = ("splitlearn.commands.trunk", "splitlearn.commands.train", "transformers.models.gpt2.modeling_gpt2")


def main() -> int:
    """Serve until standard input ends."""
    for name in (*PROGRAMS.values(), *WARMED):
        importlib.import_module(name)
    wakeup, wakeup_writer = os.pipe()
    os.set_blocking(wakeup_writer, False)
    os.set_blocking(wakeup, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.set_wakeup_fd(wakeup_writer)
    _answer({"ready": os.getpid()})
    buffer = b""
    while True:
        ready, _, _ = select.select([0, wakeup], [], [])
        if wakeup in ready:
            os.read(wakeup, 4096)
            _report_exits()
        if 0 in ready:
            data = os.read(0, 65536)
            if not data:
                return 0
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                _start(json.loads(line))


def _start(request: dict[str, Any]) -> None:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        _answer({"id": request["id"], "pid": pid})
        return
    status = 1
    try:
        die_with_parent(parent)
        _become(Path(request["log"]))
        module = importlib.import_module(PROGRAMS.get(request["program"], request["program"]))
        sys.argv = [request["program"], *request["argv"]]
        status = module.main(request["argv"])
    except SystemExit as stop:
        status = _exit_status(stop)
    except BaseException:  # noqa: BLE001 - whatever ends the program must not run on into the server's own loop
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _exit_status(stop: SystemExit) -> int:
    """Return the status that the interpreter would exit with."""
    if stop.code is None or isinstance(stop.code, int):
        return stop.code or 0
    sys.stderr.write(f"{stop.code}\n")
    return 1


def _become(log: Path) -> None:
    """Detach from the server's signals, session and files."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()
    null = os.open(os.devnull, os.O_RDONLY)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for source, target in ((null, 0), (out, 1), (out, 2)):
        os.dup2(source, target)


def _report_exits() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        _answer({"exited": pid, "status": os.waitstatus_to_exitcode(status)})


def _answer(values: dict[str, int]) -> None:
    os.write(1, json.dumps(values).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
