"""Locks of a machine on which only one thread runs at a time."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

__all__ = ["MemoryLocks"]


class MemoryLocks:
    """Remembers which files are locked; never waits, because on one thread no holder could release a lock meanwhile."""

    def __init__(self) -> None:
        self._held: set[Path] = set()

    def crash(self) -> None:
        """Release all locks, as the operating system does when a process ends."""
        self._held.clear()

    def mutex(self) -> AbstractContextManager[object]:
        """Return a lock that is always free."""
        return nullcontext()

    def hold_file(self, path: Path, seconds: float) -> AbstractContextManager[object]:
        """Hold a lock on a file; raises `TimeoutError` at once if it is already held."""
        if path in self._held:
            raise TimeoutError(f"{path} is held, and nobody lets go of it within {seconds:g} s")
        self._held.add(path)
        return self._holding(path)

    @contextmanager
    def _holding(self, path: Path) -> Iterator[None]:
        try:
            yield
        finally:
            self._held.discard(path)
