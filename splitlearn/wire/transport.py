"""How messages travel: a method's name and a request become a reply, or a `WireError`."""

from collections.abc import Iterator
from typing import Protocol

from google.protobuf.message import Message

from splitlearn.wire.trunk_link import Pending

__all__ = ["Transport"]


class Transport(Protocol):
    """Carries each request at most once; knows nothing of sessions or retries."""

    def call(self, method: str, request: Message, timeout: float) -> Pending[Message]:
        """Send a request; the reply is due within `timeout` seconds."""

    def stream(self, method: str, request: Message, timeout: float) -> Iterator[Message]:
        """Send a request that has many replies; raises `WireError` while iterating."""

    def renew(self) -> None:
        """Give up the connection for a new one; what is under way fails."""

    def close(self) -> None:
        """Give up the connection."""
