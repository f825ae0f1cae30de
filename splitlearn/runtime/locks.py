"""Locks between threads and between processes."""

import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from filelock import FileLock

__all__ = ["Locks", "SystemLocks"]


class Locks(Protocol):
    """A source of locks."""

    def mutex(self) -> AbstractContextManager[object]:
        """Return a lock between the threads of this process."""

    def hold_file(self, path: Path, seconds: float) -> AbstractContextManager[object]:
        """Hold a lock between processes until the `with` block is left or the process ends, however it ends.

        Args:
            path: a file for the lock, in an existing folder.
            seconds: how long to wait for another holder.

        Raises:
            TimeoutError: another process still holds it; raised on entry, not by the block.
            OSError: the file cannot be created.
        """


class SystemLocks:
    """Python's own locks, and the operating system's on files."""

    def mutex(self) -> AbstractContextManager[object]:
        """Return a lock between the threads of this process."""
        return threading.Lock()

    def hold_file(self, path: Path, seconds: float) -> AbstractContextManager[object]:
        """Hold a lock between processes; raises `TimeoutError` and `OSError`."""
        return FileLock(path).acquire(seconds)
