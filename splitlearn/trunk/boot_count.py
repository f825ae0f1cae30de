"""How often a trunk has been started with one folder, so that no incarnation ever comes twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from splitlearn.errors import CheckpointError
from splitlearn.files import write_atomically

__all__ = ["next_boot", "only_trunk"]

HIGHEST = 1 << 20  # what incarnations have room for
COUNTING_SECONDS = 30.0


def next_boot(save_dir: Path) -> int:
    """Count one more start, on the disk before anybody is served; gives the count, from 1.

    Raises:
        CheckpointError: the count cannot be read or written, or another trunk is about to count and does not. A trunk
            that cannot tell its past from its present must not serve.
    """
    path = save_dir / ".trunk-boots"
    advice = f"another trunk starts with {save_dir} and does not get on; end it first"
    try:
        with _alone(save_dir / ".trunk-boots.lock", COUNTING_SECONDS, advice):
            boot = _read(path) + 1
            write_atomically(path, f"{boot}\n".encode())
    except OSError as error:
        raise CheckpointError(f"{path} cannot be written: {error}; make room or give another --save-dir") from None
    return boot


def _read(path: Path) -> int:
    text = path.read_text(errors="replace").strip() if path.exists() else "0"
    if not (text.isascii() and text.isdecimal() and int(text) + 1 < HIGHEST):
        raise CheckpointError(
            f"{path} must hold one number below {HIGHEST - 1} and holds {text[:40]!r}; write one there that is higher "
            "than any before"
        )
    return int(text)


@contextmanager
def only_trunk(save_dir: Path) -> Iterator[None]:
    """Be the only trunk that trains with a folder, until the block is left or the process ends, however it ends.

    Raises:
        CheckpointError: another one does: both would write the same files.
    """
    advice = f"another trunk trains with {save_dir}; end it first, or give this one a --save-dir of its own"
    with _alone(save_dir / ".trunk.lock", 0.0, advice):
        yield


@contextmanager
def _alone(path: Path, seconds: float, otherwise: str) -> Iterator[None]:
    """Hold a lock; raises `CheckpointError` when there can be none, or another process keeps it for so long."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path).acquire(seconds)
    except Timeout:
        raise CheckpointError(otherwise) from None
    except OSError as error:
        raise CheckpointError(
            f"save_dir = {path.parent}: the folder cannot be written ({error.strerror}); make room or give another "
            "--save-dir"
        ) from None
    with lock:
        yield
