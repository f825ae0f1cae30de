"""What was computed from texts, kept in the user's cache folder, so that the next start need not do it again."""

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

# Texts that were not used for longest leave when all take more than this.
MOST_BYTES = 8 << 30
UNFINISHED = ".unfinished-"
# What is unfinished for so long was left by a process that died.
DEAD_AFTER_SECONDS = 24 * 3600

T = TypeVar("T")

logger = logging.getLogger(__name__)


def cache_folder(kind: str) -> Path:
    """Return the folder for one kind of things below `XDG_CACHE_HOME`, or `~/.cache`."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification tells to ignore a relative path; an unset variable is one too.
    return (base if base.is_absolute() else Path.home() / ".cache") / "splitlearn" / kind


def cached(place: Path, build: Callable[[Path], None], opened: Callable[[Path], T]) -> T:
    """Open what is kept in a folder, or build it: beside the place, and renamed when it is whole.

    Args:
        place: where it is kept; its parent is a folder for things of one kind.
        build: writes into an empty folder.
        opened: reads such a folder and keeps its files open, so that it may be removed; raises `OSError` or
            `ValueError` where it is not there or damaged.

    Raises:
        OSError: it cannot be written anywhere.
    """
    with suppress(OSError, ValueError):
        found = opened(place)
        with suppress(OSError):  # a folder of somebody else's
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
            # Another process was first, or the place is on another disk because that folder cannot be written.
            logger.debug("%s is not kept: %s", place, error)
        return made


@contextmanager
def _room_beside(place: Path) -> Iterator[Path]:
    """Make an empty folder that may be renamed; in the system's folder for such where the cache cannot be written."""
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
    """Remove what was not used for longest, until the rest fits; raises `OSError`."""
    now = time.time()
    places = sorted(newest.parent.iterdir(), key=lambda place: place.stat().st_mtime)
    sizes = {place: sum(file.stat().st_size for file in place.rglob("*")) for place in places}
    total = sum(sizes.values())
    for place in places:
        alive = place.name.startswith(UNFINISHED) and now - place.stat().st_mtime < DEAD_AFTER_SECONDS
        if total > MOST_BYTES and place != newest and not alive:
            shutil.rmtree(place, ignore_errors=True)
            total -= sizes[place]
