"""The methods of the service as bytes: checksummed requests out, the replies to them in."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.checksum import checksum_of, origin_of, verified, with_checksum
from splitlearn.wire.errors import Code, Reason, WireError

__all__ = ["METHODS", "SERVICE", "Method"]

SERVICE = pb.DESCRIPTOR.services_by_name["ComputeService"]


@dataclass(frozen=True)
class Method:
    """One method of `ComputeService`.

    Attributes:
        name: without the service.
        streams: it has many replies.
        parse: reads a reply.
    """

    name: str
    streams: bool
    parse: Callable[[bytes], Message]

    @property
    def path(self) -> str:
        """As it stands in a request's headers."""
        return f"/{SERVICE.full_name}/{self.name}"

    def request(self, message: Message) -> bytes:
        """Write a request."""
        return with_checksum(message.SerializeToString(), origin_of(self.name))

    def reply(self, data: bytes | None, request: bytes) -> Message:
        """Read the reply to a request; raises `WireError`."""
        if data is None:
            raise WireError(Reason.TRANSPORT, "the call ended well and without a reply", Code.UNKNOWN)
        return self._read(data, checksum_of(request))

    def replies(self, stream: Iterable[bytes], request: bytes) -> Iterator[Message]:
        """Read each reply to a request as it comes; raises `WireError`."""
        checksum = checksum_of(request)
        for data in stream:
            yield self._read(data, checksum)
            checksum = checksum_of(data)

    def _read(self, data: bytes, origin: int) -> Message:
        try:
            return self.parse(verified(data, origin))
        except DecodeError:
            raise WireError(Reason.TRANSPORT, "the bytes are no reply of this method", Code.DATA_LOSS) from None


METHODS = {
    method.name: Method(method.name, method.server_streaming, GetMessageClass(method.output_type).FromString)
    for method in SERVICE.methods
}
