"""Time, and what is done again and again while it passes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

__all__ = ["Clock", "SystemClock"]

LEAVING_SECONDS = 1.0


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> float:
        """Return the seconds since some fixed moment; never fewer than before."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""

    def repeating(self, action: Callable[[], None], seconds: float, name: str) -> AbstractContextManager[None]:
        """Call an action every so many seconds, beside the block and until it is left.

        Args:
            action: may still be under way when the block has been left.
            seconds: between the end of one call and the next.
            name: of the thread, for people.
        """


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Return the seconds since some fixed moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    @contextmanager
    def repeating(self, action: Callable[[], None], seconds: float, name: str) -> Iterator[None]:
        """Call an action every so many seconds, in a thread of its own, until the block is left."""
        over = threading.Event()

        def run() -> None:
            while not over.wait(seconds):
                action()

        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            # Not longer: the action may be stuck in what only the caller can end, now that the block is left.
            thread.join(LEAVING_SECONDS)
