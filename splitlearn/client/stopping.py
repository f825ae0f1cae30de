"""Being asked to stop, by SIGTERM or Ctrl-C, at a place where nothing is lost."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["StopAsked", "StopRequest"]


class StopAsked(Exception):  # noqa: N818 - not an error
    """There is no use in waiting on: the training was asked to stop."""


class StopRequest:
    """Whether the training was asked to stop.

    Attributes:
        received: the signal, once there is one.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT until the block is left, in the main thread; a second signal ends at once."""
        before = {number: signal.signal(number, self._ask) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def raise_if_asked(self) -> None:
        """Give up what is waited for; raises `StopAsked`."""
        if self.received:
            raise StopAsked

    def _ask(self, number: int, _frame: object) -> None:
        if self.received:
            raise KeyboardInterrupt
        self.received = signal.Signals(number)
