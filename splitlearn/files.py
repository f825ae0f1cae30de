"""Files that appear whole or not at all, even when the machine stops."""

import os
from collections.abc import Callable
from pathlib import Path

from splitlearn.errors import ConfigError

__all__ = ["PARTIAL", "drop_torn_line", "make_folder", "make_out_folder", "sync_folder", "write_atomically"]

PARTIAL = ".partial"
LONGEST_LINE = 1 << 16


def write_atomically(path: Path, data: bytes, before_rename: Callable[[], None] = lambda: None) -> None:
    """Write beside the place, sync, and rename.

    Args:
        path: the file; the one that stands there is replaced.
        data: all of it.
        before_rename: called when everything is on the disk and nothing can be seen yet.

    Raises:
        OSError: it could not be written; what stood there still stands and nothing is left beside it.
    """
    temporary = path.with_suffix(PARTIAL)
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        before_rename()
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that they are there even when the machine stops; raises `OSError`."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for place in missing:
        sync_folder(place.parent)


def make_out_folder(folder: Path) -> None:
    """Make the folder that `--out` names; raises `ConfigError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"out = {folder}: the folder cannot be made ({error.strerror}); choose another --out"
        raise ConfigError(message) from None


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk; raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def drop_torn_line(path: Path) -> None:
    """Cut off what a crash has left behind the end of a file's last whole line; raises `OSError`."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        start = max(0, file.seek(0, os.SEEK_END) - LONGEST_LINE)
        file.seek(start)
        file.truncate(start + file.read().rfind(b"\n") + 1)
