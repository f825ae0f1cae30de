"""A client that computes for long without a word still says now and then that it is there."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["BEAT_SECONDS", "beating"]

# The trunk closes a connection on which nothing was under way for 20 s. Twice this may pass without a word.
BEAT_SECONDS = 5.0
LEAVING_SECONDS = 1.0


@contextmanager
def beating(beat: Callable[[], None], seconds: float = BEAT_SECONDS) -> Iterator[None]:
    """Call `beat` every so many seconds, in a thread of its own, until the block is left."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(seconds):
            beat()

    thread = threading.Thread(target=run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        # Not longer: the process is about to end, and closes the connection that a beat may be stuck in.
        thread.join(LEAVING_SECONDS)
