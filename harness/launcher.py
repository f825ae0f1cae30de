"""Starts a program that must not outlive its parent.

Run as `python -I -S launcher.py PARENT_PID -- PROGRAM ARGUMENT…`: asks the kernel for SIGKILL on the parent's death and
then execs the program, under the same process id. On systems other than Linux it only execs the program.

The kernel treats the *thread* that started the child as its parent: start children from a thread that lives as long as
they should.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

__all__ = ["die_with_parent", "launched"]

_PR_SET_PDEATHSIG = 1
_CANNOT_START = 127


def launched(argv: Sequence[str]) -> list[str]:
    """Return an argv that starts `argv` as a child that dies with this process."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), "--", *argv]


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent dies; exit at once if the parent is already dead.

    Args:
        parent: the process id that the parent had when it started this process.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"launcher: prctl failed: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("launcher: the parent ended before its child began")


def _main(parent: str, separator: str, *argv: str) -> None:
    assert separator == "--", "usage: launcher.py PARENT_PID -- PROGRAM ARGUMENT…"
    die_with_parent(int(parent))
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - no shell, on purpose
    except OSError as error:
        print(f"launcher: cannot start {argv[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(_CANNOT_START)


if __name__ == "__main__":
    _main(*sys.argv[1:])
