"""Time, and actions repeated while it passes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

__all__ = ["Clock", "SystemClock"]

LEAVING_SECONDS = 1.0


class Clock(Protocol):
    """A source of time."""

    def now(self) -> float:
        """Return the seconds since some fixed moment; never decreases."""

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds."""

    def repeating(self, action: Callable[[], None], seconds: float, name: str) -> AbstractContextManager[None]:
        """Call an action every `seconds`, alongside the `with` block and until it is left.

        Args:
            action: may still be running after the block has been left.
            seconds: between the end of one call and the next.
            name: the thread's, for people.
        """


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Return the seconds since some fixed moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds."""
        time.sleep(seconds)

    @contextmanager
    def repeating(self, action: Callable[[], None], seconds: float, name: str) -> Iterator[None]:
        """Call an action every `seconds`, in a thread of its own, until the `with` block is left."""
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
            # Not longer: the action may be stuck in something that only the caller can end, once the block is left.
            thread.join(LEAVING_SECONDS)
