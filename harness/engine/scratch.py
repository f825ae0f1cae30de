"""A folder for files that nobody keeps."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["scratch_folder"]

# Linux's file system in memory. Containers often limit it to a few megabytes.
MEMORY = Path("/dev/shm")  # noqa: S108 - the folder made in it has a random name
ROOM_BYTES = 8 << 30


@contextmanager
def scratch_folder(name: str) -> Iterator[Path]:
    """Provide a temporary folder, and remove it at the end of the `with` block.

    It is in memory if the machine has a roomy file system in memory and TMPDIR names no other place: writing and
    removing thousands of small tensors takes a small fraction of the time there.

    Args:
        name: what it is for, as a part of its name.
    """
    with tempfile.TemporaryDirectory(prefix=f"splitlearn-{name}-", dir=_memory()) as folder:
        yield Path(folder)


def _memory() -> Path | None:
    """Return the file system in memory; None for the usual temporary folder."""
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK | os.X_OK):
        return None
    return MEMORY if shutil.disk_usage(MEMORY).free >= ROOM_BYTES else None
