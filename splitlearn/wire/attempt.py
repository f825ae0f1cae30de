"""One attempt of a call: an encoded request is sent once, and the reply is checked and decoded."""

from google.protobuf.message import Message

from splitlearn.stopwatch import UNWATCHED, Watch
from splitlearn.wire.methods import Method
from splitlearn.wire.transport import Transport

__all__ = ["Attempt", "StreamAttempt"]


class Attempt:
    """A request in flight that has one reply."""

    def __init__(
        self, transport: Transport, method: Method, request: bytes, timeout: float, watch: Watch = UNWATCHED
    ) -> None:
        self._method = method
        self._request = request
        self._watch = watch
        self._reply = transport.call(method.name, request, timeout)

    def result(self) -> Message:
        """Wait for the reply; raises `WireError`."""
        data = self._reply.result()
        with self._watch.part("decode"):
            return self._method.read_reply(data, self._request)


class StreamAttempt:
    """A request that has many replies, all of them awaited together."""

    def __init__(self, transport: Transport, method: Method, request: bytes, timeout: float) -> None:
        self._method = method
        self._request = request
        self._replies = transport.stream(method.name, request, timeout)

    def result(self) -> list[Message]:
        """Wait for all replies; raises `WireError`."""
        return [*self._method.read_replies(self._replies, self._request)]
