"""Gives runs that measure times the machine to themselves; others run side by side."""

import fcntl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["machine_for"]

LOCK, TURNSTILE = ".timing.lock", ".timing.turnstile"
# Seconds; a run that need not wait has passed the turnstile by then.
MOMENT = 0.2


@contextmanager
def machine_for(folder: Path, *, alone: bool, on_wait: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """Wait until a run may begin alongside those of other processes; if alone, keep them waiting during the block.

    Args:
        folder: folder of the runs of all these processes.
        alone: whether nothing else may run meanwhile.
        on_wait: called once, from another thread, with what is waited for, in words, if that takes a moment or more.
    """
    folder.mkdir(parents=True, exist_ok=True)
    how = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    with (folder / LOCK).open("w") as lock:
        # Later runs queue behind one that waits to be alone: overlapping others would keep it out forever.
        with (folder / TURNSTILE).open("w") as turnstile:
            try:
                fcntl.flock(turnstile, fcntl.LOCK_EX | fcntl.LOCK_NB)
                fcntl.flock(lock, how | fcntl.LOCK_NB)
            except BlockingIOError:
                with _after_a_moment(lambda: on_wait(_reason(folder, alone=alone))):
                    fcntl.flock(turnstile, fcntl.LOCK_EX)
                    fcntl.flock(lock, how)
        yield


@contextmanager
def _after_a_moment(speak: Callable[[], None]) -> Iterator[None]:
    """Call `speak` if the block takes longer than a moment; a call in progress ends before the block is left."""
    timer = threading.Timer(MOMENT, speak)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _reason(folder: Path, *, alone: bool) -> str:
    if alone:
        return f"measures times, so it waits for the other runs in {folder} to end"
    return f"waits for a run in {folder} that measures times and must be alone"
