"""Results computed from texts, kept in the user's cache folder for the next start."""

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

__all__ = ["cache_folder", "cached"]

# Least recently used texts are removed when all together take more than this.
MOST_BYTES = 8 << 30
UNFINISHED = ".unfinished-"
# An unfinished folder this old was left by a process that died.
DEAD_AFTER_SECONDS = 24 * 3600

T = TypeVar("T")

logger = logging.getLogger(__name__)


def cache_folder(kind: str) -> Path:
    """Return the folder for one kind of entries under `XDG_CACHE_HOME`, or `~/.cache`."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification says to ignore a relative path, which an unset variable also yields.
    return (base if base.is_absolute() else Path.home() / ".cache") / "splitlearn" / kind


def cached(place: Path, build: Callable[[Path], None], opened: Callable[[Path], T]) -> T:
    """Open a cached folder, or build it next to its place and rename it when it is complete.

    Args:
        place: where it is kept; its parent holds entries of one kind.
        build: writes into an empty folder.
        opened: reads such a folder and keeps its files open, so that it may be removed; raises `OSError` or
            `ValueError` if it is missing or damaged.

    Raises:
        OSError: no place is writable.
    """
    with suppress(OSError, ValueError):
        found = opened(place)
        with suppress(OSError):  # another user's folder
            os.utime(place)
        return found
    with _room_beside(place) as room:
        build(room)
        made = opened(room)
        try:
            shutil.rmtree(place, ignore_errors=True)
            room.rename(place)
            _make_room(place)
        except OSError as error:
            # Another process was first, or the place is on another disk because its folder is not writable.
            logger.debug("%s is not kept: %s", place, error)
        return made


@contextmanager
def _room_beside(place: Path) -> Iterator[Path]:
    """Make an empty folder to be renamed; in the system's temporary folder if the cache is not writable."""
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=place.parent, ignore_cleanup_errors=True)
    except OSError as error:
        logger.warning("nothing is cached: %s: %s", place.parent, error.strerror)
        scratch = tempfile.TemporaryDirectory(prefix="splitlearn-")
    with scratch as folder:
        room = Path(folder) / "made"
        room.mkdir()
        yield room


def _make_room(newest: Path) -> None:
    """Remove the least recently used entries until the rest fits; raises `OSError`."""
    now = time.time()
    places = sorted(newest.parent.iterdir(), key=lambda place: place.stat().st_mtime)
    sizes = {place: sum(file.stat().st_size for file in place.rglob("*")) for place in places}
    total = sum(sizes.values())
    for place in places:
        alive = place.name.startswith(UNFINISHED) and now - place.stat().st_mtime < DEAD_AFTER_SECONDS
        if total > MOST_BYTES and place != newest and not alive:
            shutil.rmtree(place, ignore_errors=True)
            total -= sizes[place]
