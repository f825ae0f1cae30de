"""Stops on SIGTERM or Ctrl-C, at a place where nothing is lost."""

import logging
import math
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from splitlearn.complaints import line
from splitlearn.runtime import Clock

__all__ = ["StopAsked", "StopRequest"]


class StopAsked(Exception):  # noqa: N818 - not an error
    """Waiting any longer is pointless: the training was asked to stop."""


class StopRequest:
    """Whether the training was asked to stop.

    Args:
        clock: measures the grace period.
        grace: seconds to keep waiting for a trunk that does not answer, so that the step can be saved.

    Attributes:
        received: the signal, once one has come.
    """

    def __init__(self, clock: Clock, grace: float = 10.0) -> None:
        self._clock = clock
        self.received: signal.Signals | None = None
        self._grace = grace
        self._deadline = math.inf

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle SIGTERM and SIGINT within the `with` block, in the main thread; a second signal exits at once."""
        before = {number: signal.signal(number, self._ask) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def ask(self, number: signal.Signals) -> None:
        """Ask it to stop, for the first time."""
        self.received = number
        self._deadline = self._clock.now() + self._grace

    def raise_if_asked(self) -> None:
        """Raise `StopAsked` if the grace period is over."""
        if self.received and self._clock.now() >= self._deadline:
            raise StopAsked

    def _ask(self, number: int, _frame: object) -> None:
        if self.received:
            raise KeyboardInterrupt
        self.ask(signal.Signals(number))
        # Not through sys.stderr: the signal may have interrupted a write to it, and nobody may be reading it any more.
        with suppress(OSError):
            words = f"\n{signal.Signals(number).name}: stopping after this step; once more stops at once"
            os.write(2, line(words, logging.WARNING).encode())
