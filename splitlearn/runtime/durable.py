"""Files and folders that appear complete or not at all, even after a crash of the machine."""

from collections.abc import Callable
from pathlib import Path

from splitlearn.runtime.disk import Disk

__all__ = ["PARTIAL", "make_folder", "write_atomically"]

PARTIAL = ".partial"


def write_atomically(disk: Disk, path: Path, data: bytes, before_rename: Callable[[], None] = lambda: None) -> None:
    """Write a temporary file, sync it, and rename it.

    Args:
        disk: holds the file.
        path: the file; an existing one is replaced.
        data: its contents.
        before_rename: called when everything is on disk but not yet visible.

    Raises:
        OSError: it could not be written; an existing file is unchanged and nothing is left beside it.
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
    """Make a folder and its parents durably; raises `OSError`."""
    missing = [place for place in (folder, *folder.parents) if not disk.exists(place)]
    disk.make_folder(folder)
    try:
        for place in missing:
            disk.sync_folder(place.parent)
    except OSError:
        # If it stayed, the next attempt would find it there and never sync its name: a crash could then lose the folder
        # with every checkpoint in it.
        disk.remove_folder(missing[-1])
        raise
