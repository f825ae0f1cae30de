"""How much memory a process has resident."""

import sys
from pathlib import Path

import psutil

__all__ = ["own_bytes", "peak_bytes"]


def own_bytes(pid: int) -> int:
    """Return the resident memory that is the process's own: without files and shared memory, where these are known.

    It is read at every step, and twenty microseconds are short enough for that. The unique set size would take a
    thousand times as long, for the kernel walks all pages.

    Raises:
        psutil.Error: the process has ended.
    """
    info = psutil.Process(pid).memory_info()
    return int(info.rss - getattr(info, "shared", 0))


def peak_bytes(pid: int) -> int:
    """Return the most memory that a process ever had resident, shared libraries included.

    Raises:
        psutil.Error: the process has ended.
    """
    if sys.platform == "linux":
        # psutil has no peak. getrusage has one, of this process alone, and a program inherits it from its parent.
        try:
            status = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            raise psutil.NoSuchProcess(pid) from None
        found = [1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM:")]
        if not found:  # what has ended and is still to be waited for has no memory
            raise psutil.ZombieProcess(pid)
        return found[0]
    return int(psutil.Process(pid).memory_info().rss)
