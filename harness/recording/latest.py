"""`latest` beside run folders: a symbolic link to the newest."""

from contextlib import suppress
from pathlib import Path

__all__ = ["LATEST", "point_latest"]

LATEST = "latest"


def point_latest(folder: Path) -> None:
    """Make `latest` beside a run's folder point at it; nothing where the file system has no such links.

    The link is replaced in one step, so that whoever reads it meanwhile finds one run or the other.
    """
    made = folder.with_name(f".{LATEST}-{folder.name}")
    with suppress(OSError):
        try:
            made.symlink_to(folder.name, target_is_directory=True)
            made.replace(folder.with_name(LATEST))
        finally:
            made.unlink(missing_ok=True)
