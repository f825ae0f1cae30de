"""Files that appear whole or not at all, even when the machine stops."""

import os
from collections.abc import Callable
from pathlib import Path

__all__ = ["PARTIAL", "write_atomically"]

PARTIAL = ".partial"


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
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
