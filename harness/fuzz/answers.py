"""Answers to a call as a trunk writes them on an HTTP/2 connection."""

import base64
from dataclasses import dataclass

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from harness.fuzz.http2 import DATA, END_HEADERS, END_STREAM, HEADERS, frame, header_block, message
from splitlearn.wire.checksum import checksum_of, with_checksum
from splitlearn.wire.errors import WireError
from splitlearn.wire.status import status_of

__all__ = [
    "Ask",
    "checksummed_replies",
    "ending",
    "failing",
    "honest",
    "opening",
    "own_refusal",
    "packed_status",
    "saying",
]

DETAILS = b"grpc-status-details-bin"
TYPE = (b"content-type", b"application/grpc")


@dataclass(frozen=True)
class Ask:
    """A request to be answered.

    Attributes:
        stream: HTTP/2 stream number.
        method: name of the RPC.
        checksum: of the request.
        replies: what an honest trunk would reply.
    """

    stream: int
    method: str
    checksum: int
    replies: tuple[Message, ...]


def opening(ask: Ask, *headers: tuple[bytes, bytes]) -> bytes:
    """Return the headers that an answer begins with."""
    return frame(HEADERS, END_HEADERS, ask.stream, b"\x88" + header_block([TYPE, *headers]))


def ending(ask: Ask, *headers: tuple[bytes, bytes]) -> bytes:
    """Return the headers that an answer ends with."""
    return frame(HEADERS, END_HEADERS | END_STREAM, ask.stream, header_block(headers))


def saying(ask: Ask, *bodies: bytes) -> bytes:
    """Return a successful answer with these messages."""
    data = b"".join(frame(DATA, 0, ask.stream, message(body)) for body in bodies)
    return opening(ask) + data + ending(ask, (b"grpc-status", b"0"))


def honest(ask: Ask) -> bytes:
    """Return the honest answer."""
    return saying(ask, *checksummed_replies(ask))


def checksummed_replies(ask: Ask) -> list[bytes]:
    """Return the honest replies, each message with its checksum."""
    bodies, checksum = [], ask.checksum
    for reply in ask.replies:
        bodies.append(with_checksum(reply.SerializeToString(), checksum))
        checksum = checksum_of(bodies[-1])
    return bodies


def failing(ask: Ask, code: bytes, words: bytes, details: bytes | None) -> bytes:
    """Return a failed answer with the given details."""
    more = [] if details is None else [(DETAILS, details)]
    return opening(ask) + ending(ask, (b"grpc-status", code), (b"grpc-message", words), *more)


def packed_status(code: int, words: str, info: ErrorInfo) -> bytes:
    """Return a status with one detail, encoded for a header."""
    detail = AnyMessage()
    detail.Pack(info)
    return base64.b64encode(Status(code=code, message=words, details=[detail]).SerializeToString())


def own_refusal(error: WireError) -> bytes:
    """Return a trunk's refusal details, encoded for a header."""
    trailer = dict(status_of(error).trailing_metadata)[DETAILS.decode()]
    assert isinstance(trailer, bytes)
    return base64.b64encode(trailer)
