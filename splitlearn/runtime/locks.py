"""Locks between threads and between processes."""

import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from filelock import FileLock

__all__ = ["Locks", "SystemLocks"]


class Locks(Protocol):
    """Where locks come from."""

    def mutex(self) -> AbstractContextManager[object]:
        """Return a lock between the threads of this process."""

    def hold_file(self, path: Path, seconds: float) -> AbstractContextManager[object]:
        """Take a lock between processes, and hold it until the block is left or the process ends, however it ends.

        Args:
            path: of a file for it, in a folder that is there.
            seconds: for which another holder is waited for.

        Raises:
            TimeoutError: another one holds it still; raised here, not by the block.
            OSError: there can be no such file.
        """


class SystemLocks:
    """Python's own locks, and the operating system's on files."""

    def mutex(self) -> AbstractContextManager[object]:
        """Return a lock between the threads of this process."""
        return threading.Lock()

    def hold_file(self, path: Path, seconds: float) -> AbstractContextManager[object]:
        """Take a lock between processes; raises `TimeoutError` and `OSError`."""
        return FileLock(path).acquire(seconds)
