"""Files and folders that appear whole or not at all, even when the machine stops."""

from collections.abc import Callable
from pathlib import Path

from splitlearn.runtime.disk import Disk

__all__ = ["PARTIAL", "make_folder", "write_atomically"]

PARTIAL = ".partial"


def write_atomically(disk: Disk, path: Path, data: bytes, before_rename: Callable[[], None] = lambda: None) -> None:
    """Write beside the place, sync, and rename.

    Args:
        disk: that has the file.
        path: the file; the one that stands there is replaced.
        data: all of it.
        before_rename: called when everything is on the disk and nothing can be seen yet.

    Raises:
        OSError: it could not be written; what stood there still stands and nothing is left beside it.
    """
    temporary = path.with_suffix(PARTIAL)
    try:
        disk.write(temporary, data)
        before_rename()
        disk.rename(temporary, path)
    except OSError:
        disk.remove(temporary)
        raise
    disk.sync_folder(path.parent)


def make_folder(disk: Disk, folder: Path) -> None:
    """Make a folder and those above it, so that they are there even when the machine stops; raises `OSError`."""
    missing = [place for place in (folder, *folder.parents) if not disk.exists(place)]
    disk.make_folder(folder)
    for place in missing:
        disk.sync_folder(place.parent)
