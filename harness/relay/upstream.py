"""The relay's own connection to the trunk, and what is sent and received over it."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc

from harness.errors import HarnessError
from splitlearn.config import TrainingConfig
from splitlearn.wire.errors import Reason
from splitlearn.wire.options import channel_options
from splitlearn.wire.status import wire_error

if TYPE_CHECKING:
    from grpc import _CallIterator

__all__ = ["LARGEST", "Ending", "Metadata", "Request", "TrunkAnswer", "TrunkCall", "Upstream", "passable"]

# The relay refuses no message for its size; that is the parties' task.
LARGEST = TrainingConfig(max_message_bytes=1 << 30)
# In seconds. For a request without a deadline, gRPC reports thousands of years left.
FARTHEST_DEADLINE = 86_400.0
DETAILS = "grpc-status-details-bin"

Metadata = tuple[tuple[str, str | bytes], ...]


@dataclass(frozen=True)
class Request:
    """A call as received from the client.

    Attributes:
        path: `/SERVICE/METHOD`.
        body: the message's bytes.
        metadata: the call's metadata.
    """

    path: str
    body: bytes
    metadata: Metadata

    @property
    def method(self) -> str:
        """The method's name."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Ending:
    """How a call ended; the reason is the trunk's, empty if it gave none."""

    code: grpc.StatusCode
    details: str
    trailer: Metadata
    reason: str


@dataclass(frozen=True)
class TrunkAnswer:
    """The trunk's complete answer to a request."""

    header: Metadata
    messages: tuple[bytes, ...]
    ending: Ending


class TrunkCall:
    """A request in flight to the trunk."""

    def __init__(self, call: "_CallIterator[bytes]") -> None:
        self._call = call

    def header(self) -> Metadata:
        """Wait for the initial metadata."""
        return passable(self._call.initial_metadata())

    def messages(self) -> Iterator[bytes]:
        """Yield each message as it arrives."""
        with suppress(grpc.RpcError):  # `ending` tells
            yield from self._call

    def ending(self) -> Ending:
        """Wait for the end."""
        code, trailer = self._call.code(), passable(self._call.trailing_metadata())
        reason = Reason.TRANSPORT if code is grpc.StatusCode.OK else wire_error(self._call, encrypted=False).reason
        return Ending(code, self._call.details(), trailer, "" if reason is Reason.TRANSPORT else reason.value)

    def answer(self) -> TrunkAnswer:
        """Wait for the complete answer."""
        return TrunkAnswer(self.header(), tuple(self.messages()), self.ending())

    def cancel(self) -> None:
        """Cancel it; does nothing if it has ended."""
        self._call.cancel()


class Upstream:
    """A channel that reconnects by itself, as the client's does."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.insecure_channel(address, channel_options(LARGEST.but(trunk_address=address)))

    def send(self, request: Request, seconds_left: float) -> TrunkCall:
        """Send a request; raises `HarnessError` if the channel is closed."""
        # On the wire, one reply is a stream of one, so every method with one request can be called this way.
        method: grpc.UnaryStreamMultiCallable[bytes, bytes] = self._channel.unary_stream(request.path)
        timeout = None if seconds_left > FARTHEST_DEADLINE else seconds_left
        try:
            return TrunkCall(method(request.body, timeout=timeout, metadata=request.metadata))
        except ValueError:
            raise HarnessError("the relay has ended") from None

    def close(self) -> None:
        """End every call and the connection."""
        self._channel.close()


def passable(metadata: Iterable[tuple[str, str | bytes]]) -> Metadata:
    """Leave out metadata that concerns one connection only."""
    return tuple(
        (key, value) for key, value in metadata if key == DETAILS or not key.startswith(("grpc-", "user-agent"))
    )
