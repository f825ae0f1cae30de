"""Starts a program that must not outlive its parent.

Run as `python -I -S launcher.py PARENT_PID -- PROGRAM ARGUMENT…`: asks the kernel for SIGKILL at the parent's death and
then becomes the program, under the same process id. On systems other than Linux it only becomes the program.

The kernel counts the *thread* that started the child as its parent: start children from a thread that lives as long as
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
    """Return the argv that starts `argv` as a child of this process which dies with it."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), "--", *argv]


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent dies; ends it at once when the parent is dead already.

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
