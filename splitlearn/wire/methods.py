"""The methods of the service as bytes, for either side: messages out with their checksums, and in again."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.checksum import checksum_of, origin_of, verify, with_checksum
from splitlearn.wire.errors import Code, Reason, WireError

__all__ = ["METHODS", "SERVICE", "Method"]

SERVICE = pb.DESCRIPTOR.services_by_name["ComputeService"]


@dataclass(frozen=True)
class Method:
    """One method of `ComputeService`.

    Attributes:
        name: without the service.
        streams: whether it has many replies.
        request_type: of its messages to the trunk.
        reply_type: of its messages to the client.
    """

    name: str
    streams: bool
    request_type: type[Message]
    reply_type: type[Message]

    @property
    def path(self) -> str:
        """The path in a request's headers."""
        return f"/{SERVICE.full_name}/{self.name}"

    def write_request(self, request: Message) -> bytes:
        """Return a request's bytes."""
        return with_checksum(request.SerializeToString(deterministic=True), origin_of(self.name))

    def read_request(self, data: bytes) -> Message:
        """Decode a request; raises `WireError`."""
        try:
            return _read(self.request_type, data, origin_of(self.name))
        except DecodeError:
            raise WireError(Reason.BAD_REQUEST, "the bytes are no message of this method") from None

    def write_replies(self, replies: Sequence[Message], request_checksum: int) -> Iterator[bytes]:
        """Encode the replies to a request lazily; each checksum continues from the one before."""
        checksum = request_checksum
        for reply in replies:
            data = with_checksum(reply.SerializeToString(deterministic=True), checksum)
            checksum = checksum_of(data)
            yield data

    def read_reply(self, data: bytes, request: bytes) -> Message:
        """Decode a reply to a request; raises `WireError`."""
        return self._read_reply(data, checksum_of(request))

    def read_replies(self, stream: Iterable[bytes], request: bytes) -> Iterator[Message]:
        """Decode each reply to a request as it arrives; raises `WireError`."""
        checksum = checksum_of(request)
        for data in stream:
            yield self._read_reply(data, checksum)
            checksum = checksum_of(data)

    def _read_reply(self, data: bytes, origin: int) -> Message:
        try:
            return _read(self.reply_type, data, origin)
        except DecodeError:
            raise WireError(Reason.TRANSPORT, "the bytes are no reply of this method", Code.DATA_LOSS) from None


def _read(kind: type[Message], data: bytes, origin: int) -> Message:
    """Decode a message, including its checksum field, so that nothing need be cut off; raises `DecodeError` too."""
    verify(data, origin)
    message: Any = kind.FromString(data)
    if message.message_checksum != checksum_of(data):
        raise DecodeError("the message's last field runs into its checksum")
    message.ClearField("message_checksum")
    return cast("Message", message)


METHODS = {
    method.name: Method(
        method.name, method.server_streaming, GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    )
    for method in SERVICE.methods
}
