"""`latest` beside run folders: a symbolic link to the newest."""

from contextlib import suppress
from pathlib import Path

__all__ = ["LATEST", "point_latest"]

LATEST = "latest"


def point_latest(folder: Path) -> None:
    """Make `latest` beside a run's folder point at it; does nothing if the file system has no symbolic links.

    The link is replaced atomically, so that a concurrent reader finds either the old run or the new one.
    """
    made = folder.with_name(f".{LATEST}-{folder.name}")
    with suppress(OSError):
        try:
            made.symlink_to(folder.name, target_is_directory=True)
            made.replace(folder.with_name(LATEST))
        finally:
            made.unlink(missing_ok=True)
