"""Being asked to stop, by SIGTERM or Ctrl-C, at a place where nothing is lost."""

import signal

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

    def listen(self) -> None:
        """Take SIGTERM and SIGINT from now on; call it in the main thread. A second signal ends at once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def raise_if_asked(self) -> None:
        """Give up what is waited for; raises `StopAsked`."""
        if self.received:
            raise StopAsked

    def _ask(self, number: int, _frame: object) -> None:
        if self.received:
            raise KeyboardInterrupt
        self.received = signal.Signals(number)
