"""Files that must be there, or not, after a crash."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from splitlearn.files import drop_torn_line

__all__ = ["Disk", "SystemDisk"]


class Disk(Protocol):
    """Where a party keeps what it needs when it comes back; every method raises `OSError`.

    A crash may undo what was not forced to the disk: bytes of a file, and every change of the names in a folder since
    `sync_folder`.
    """

    def read(self, path: Path) -> bytes:
        """Return all of a file."""

    def write(self, path: Path, data: bytes) -> None:
        """Write a whole file and force its bytes, not its name, to the disk."""

    def append_lines(self, path: Path) -> AbstractContextManager[Callable[[bytes], None]]:
        """Open a file to add lines to, which are not forced to the disk; a last line that a crash has torn goes first.

        Yields:
            A function that adds bytes.
        """

    def rename(self, path: Path, to: Path) -> None:
        """Give a file or folder another name in the same folder, in the place of a file of that name."""

    def remove(self, path: Path) -> None:
        """Remove a file, if it is there."""

    def remove_folder(self, folder: Path) -> None:
        """Remove a folder and all that is in it."""

    def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it, where they are not there."""

    def sync_folder(self, folder: Path) -> None:
        """Force the names in a folder to the disk."""

    def exists(self, path: Path) -> bool:
        """Whether there is a file or folder of that name."""

    def names(self, folder: Path) -> list[str]:
        """List what is in a folder, in no order; nothing where there is no such folder."""


class SystemDisk:
    """The machine's file system."""

    def read(self, path: Path) -> bytes:
        """Return all of a file."""
        return path.read_bytes()

    def write(self, path: Path, data: bytes) -> None:
        """Write a whole file and force its bytes to the disk."""
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    @contextmanager
    def append_lines(self, path: Path) -> Iterator[Callable[[bytes], None]]:
        """Open a file to add lines to."""
        drop_torn_line(path)
        # Without a buffer: after a write that has failed there is nothing left that closing would write once more.
        with path.open("ab", buffering=0) as file:

            def add(data: bytes) -> None:
                rest = memoryview(data)
                while rest:
                    rest = rest[file.write(rest) :]

            yield add

    def rename(self, path: Path, to: Path) -> None:
        """Give a file or folder another name."""
        path.replace(to)

    def remove(self, path: Path) -> None:
        """Remove a file, if it is there."""
        path.unlink(missing_ok=True)

    def remove_folder(self, folder: Path) -> None:
        """Remove a folder and all that is in it."""
        shutil.rmtree(folder)

    def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it."""
        folder.mkdir(parents=True, exist_ok=True)

    def sync_folder(self, folder: Path) -> None:
        """Force the names in a folder to the disk."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def exists(self, path: Path) -> bool:
        """Whether there is a file or folder of that name."""
        return path.exists()

    def names(self, folder: Path) -> list[str]:
        """List what is in a folder."""
        return os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208 - names are what is asked for
