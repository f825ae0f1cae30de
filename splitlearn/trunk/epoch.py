"""How often a trunk has been started with one folder, so that no incarnation ever comes twice."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from splitlearn.errors import CheckpointError
from splitlearn.files import write_atomically

__all__ = ["next_epoch", "only_trunk"]

HIGHEST = 1 << 20  # what incarnations have room for


def next_epoch(save_dir: Path) -> int:
    """Count one more start, on the disk before anybody is served; gives the count, from 1.

    Raises:
        CheckpointError: the count that stands there cannot be read.
        OSError: it cannot be written; a trunk that cannot tell its past from its present must not serve.
    """
    save_dir.mkdir(parents=True, exist_ok=True)
    path = save_dir / "trunk-epoch"
    with (save_dir / "trunk-epoch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        text = path.read_text(errors="replace").strip() if path.exists() else "0"
        if not (text.isascii() and text.isdecimal() and int(text) < HIGHEST):
            raise CheckpointError(
                f"{path} must hold one number below {HIGHEST} and holds {text[:40]!r}; write one there that is higher "
                "than any before"
            )
        epoch = int(text) + 1
        write_atomically(path, f"{epoch}\n".encode())
    return epoch


@contextmanager
def only_trunk(save_dir: Path) -> Iterator[None]:
    """Be the only trunk that trains with a folder, until the block is left or the process ends, however it ends.

    Raises:
        CheckpointError: another one does: both would write the same files.
    """
    save_dir.mkdir(parents=True, exist_ok=True)
    with (save_dir / "trunk.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CheckpointError(
                f"another trunk trains with {save_dir}; end it first, or give this one a --save-dir of its own"
            ) from None
        yield
