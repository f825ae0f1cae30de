"""Counts how often a trunk has been started with one folder, so that no incarnation ever repeats."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from splitlearn.errors import CheckpointError
from splitlearn.runtime import Disk, Runtime
from splitlearn.runtime.durable import make_folder, write_atomically

__all__ = ["next_boot", "only_trunk"]

HIGHEST = 1 << 20  # the room in an incarnation
COUNTING_SECONDS = 30.0


def next_boot(save_dir: Path, runtime: Runtime) -> int:
    """Count one more boot, on disk before anyone is served; return the count, from 1.

    Raises:
        CheckpointError: the count cannot be read or written, or another trunk holds the lock for too long. A trunk that
            cannot tell its past from its present must not serve.
    """
    path = save_dir / ".trunk-boots"
    advice = f"another trunk starts with {save_dir} and does not get on; end it first"
    try:
        with _alone(runtime, save_dir / ".trunk-boots.lock", COUNTING_SECONDS, advice):
            boot = _read(runtime.disk, path) + 1
            write_atomically(runtime.disk, path, f"{boot}\n".encode())
    except OSError as error:
        raise CheckpointError(f"{path} cannot be written: {error}; make room or give another --save-dir") from None
    return boot


def _read(disk: Disk, path: Path) -> int:
    text = disk.read(path).decode(errors="replace").strip() if disk.exists(path) else "0"
    if not (text.isascii() and text.isdecimal() and int(text) + 1 < HIGHEST):
        raise CheckpointError(
            f"{path} must hold one number below {HIGHEST - 1} and holds {text[:40]!r}; write one there that is higher "
            "than any before"
        )
    return int(text)


@contextmanager
def only_trunk(save_dir: Path, runtime: Runtime) -> Iterator[None]:
    """Be the only trunk that trains with a folder, until the `with` block is left or the process ends, however it ends.

    Raises:
        CheckpointError: another one does, and both would write the same files.
    """
    advice = f"another trunk trains with {save_dir}; end it first, or give this one a --save-dir of its own"
    with _alone(runtime, save_dir / ".trunk.lock", 0.0, advice):
        yield


@contextmanager
def _alone(runtime: Runtime, path: Path, seconds: float, otherwise: str) -> Iterator[None]:
    """Hold a lock; raises `CheckpointError` if it cannot be created, or another process keeps it for too long."""
    try:
        make_folder(runtime.disk, path.parent)
        lock = runtime.locks.hold_file(path, seconds)
    except TimeoutError:
        raise CheckpointError(otherwise) from None
    except OSError as error:
        raise CheckpointError(
            f"save_dir = {path.parent}: the folder cannot be written ({error.strerror}); make room or give another "
            "--save-dir"
        ) from None
    with lock:
        yield
