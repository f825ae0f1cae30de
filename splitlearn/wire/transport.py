"""How bytes travel: a method's name and a request become a reply, or a `WireError`."""

from collections.abc import Iterator
from typing import Protocol

from splitlearn.wire.trunk_link import Pending

__all__ = ["Transport"]


class Transport(Protocol):
    """Carries each request at most once; knows nothing of messages, sessions or retries."""

    def call(self, method: str, request: bytes, timeout: float) -> Pending[bytes]:
        """Send a request; the reply is due within `timeout` seconds."""

    def stream(self, method: str, request: bytes, timeout: float) -> Iterator[bytes]:
        """Send a request that has many replies; raises `WireError` while iterating."""

    def renew(self) -> None:
        """Replace the connection; calls in flight fail."""

    def close(self) -> None:
        """Close the connection."""
