"""A transport without a network: the trunk's methods are called in this process, on the same bytes."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from splitlearn.wire.errors import WireError
from splitlearn.wire.outcome import Failed, Ready
from splitlearn.wire.trunk_link import Pending

__all__ = ["DirectTransport", "Dispatch"]

# Turns a method's name and a request into replies; raises `WireError`.
Dispatch: TypeAlias = Callable[[str, bytes], Sequence[bytes]]


class DirectTransport:
    """Carries out every request before the call returns.

    Args:
        dispatch: answers the requests.

    Attributes:
        dispatch: may be replaced between calls, as when a trunk restarts.
    """

    def __init__(self, dispatch: Dispatch) -> None:
        self.dispatch = dispatch

    def call(self, method: str, request: bytes, timeout: float) -> Pending[bytes]:
        """Carry out a request; no time passes, so no deadline is missed."""
        try:
            (reply,) = self.dispatch(method, request)
        except WireError as error:
            return Failed(error)
        return Ready(reply)

    def stream(self, method: str, request: bytes, timeout: float) -> Iterator[bytes]:
        """Carry out a request with many replies; raises `WireError` while iterating."""
        yield from self.dispatch(method, request)

    def renew(self) -> None:
        """Do nothing: there is no connection."""

    def close(self) -> None:
        """Do nothing: there is no connection."""
