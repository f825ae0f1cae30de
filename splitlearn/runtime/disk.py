"""Files with defined contents after a crash."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

from splitlearn.files import drop_torn_line

__all__ = ["Disk", "SystemDisk"]


class Disk(Protocol):
    """Storage for what a party needs after a restart; every method raises `OSError`.

    A crash may undo what was not synced: bytes of a file, and every change of a folder's names since `sync_folder`.
    """

    def read(self, path: Path) -> bytes:
        """Return a file's bytes."""

    def as_file(self, path: Path) -> AbstractContextManager[Path]:
        """Provide a file at a path of this machine, for a library that reads it, until the `with` block is left."""

    def write(self, path: Path, data: bytes) -> None:
        """Write a whole file and sync its bytes, but not its name."""

    def append_lines(self, path: Path) -> AbstractContextManager[Callable[[bytes], None]]:
        """Open a file for appending lines, without syncing them; a last line torn by a crash is removed first.

        Yields:
            A function that appends bytes.
        """

    def sync_file(self, path: Path) -> None:
        """Sync the bytes of a file."""

    def rename(self, path: Path, to: Path) -> None:
        """Rename a file or folder within its folder; replaces a file of that name."""

    def remove(self, path: Path) -> None:
        """Remove a file, if it exists."""

    def remove_folder(self, folder: Path) -> None:
        """Remove a folder and everything in it."""

    def make_folder(self, folder: Path) -> None:
        """Make a folder and its missing parents."""

    def sync_folder(self, folder: Path) -> None:
        """Sync the names in a folder."""

    def exists(self, path: Path) -> bool:
        """Return whether there is a file or folder of that name."""

    def names(self, folder: Path) -> list[str]:
        """List a folder's entries in no particular order; empty if there is no such folder."""


class SystemDisk:
    """The machine's file system."""

    def read(self, path: Path) -> bytes:
        """Return a file's bytes."""
        return path.read_bytes()

    def as_file(self, path: Path) -> AbstractContextManager[Path]:
        """Provide the file where it is."""
        return nullcontext(path)

    def write(self, path: Path, data: bytes) -> None:
        """Write a whole file and sync its bytes."""
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    @contextmanager
    def append_lines(self, path: Path) -> Iterator[Callable[[bytes], None]]:
        """Open a file for appending lines."""
        drop_torn_line(path)
        # Unbuffered: after a failed write, nothing is left that closing would try to write again.
        with path.open("ab", buffering=0) as file:

            def add(data: bytes) -> None:
                rest = memoryview(data)
                while rest:
                    rest = rest[file.write(rest) :]

            yield add

    def sync_file(self, path: Path) -> None:
        """Sync the bytes of a file."""
        with path.open("rb+") as file:
            os.fsync(file.fileno())

    def rename(self, path: Path, to: Path) -> None:
        """Rename a file or folder."""
        path.replace(to)

    def remove(self, path: Path) -> None:
        """Remove a file, if it exists."""
        path.unlink(missing_ok=True)

    def remove_folder(self, folder: Path) -> None:
        """Remove a folder and everything in it."""
        shutil.rmtree(folder)

    def make_folder(self, folder: Path) -> None:
        """Make a folder and its parents."""
        folder.mkdir(parents=True, exist_ok=True)

    def sync_folder(self, folder: Path) -> None:
        """Sync the names in a folder."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def exists(self, path: Path) -> bool:
        """Return whether there is a file or folder of that name."""
        return path.exists()

    def names(self, folder: Path) -> list[str]:
        """List a folder's entries."""
        return os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208 - names are what is asked for
