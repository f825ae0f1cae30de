"""Message checksums: the last field of every message is a checksum of all bytes before it, and of what they answer.

TCP's own checksum is short, and every hop between the parties makes a new one, so an altered learning rate or norm
could silently corrupt a run. One altered bit of HTTP/2 can also route an intact message to another call or method.
So a request's checksum covers the method's name, a reply's the request's checksum, and each further reply's in a stream
the checksum before.
"""

import io
import struct
import zlib

from splitlearn.wire.errors import Reason, WireError

__all__ = ["checksum_of", "origin_of", "verify", "with_checksum"]

# Field 15, of 32 bits: to a reader of messages it is just another field.
CHECKSUM = struct.Struct("<BI")
TAG = 15 << 3 | 5


def origin_of(method: str) -> int:
    """Return the initial value of the checksum of a request to a method."""
    return zlib.crc32(method.encode())


def with_checksum(body: bytes, origin: int) -> bytes:
    """Append the checksum to a message's bytes; bytes that nobody else holds are extended, not copied.

    Args:
        body: the bytes.
        origin: the method's for a request, the request's checksum for a reply.
    """
    stream = io.BytesIO(body)
    del body  # the stream copies only what someone else still holds
    with stream.getbuffer() as content:
        checksum = zlib.crc32(content, origin)
    stream.seek(0, io.SEEK_END)
    stream.write(CHECKSUM.pack(TAG, checksum))
    return stream.getvalue()


def checksum_of(data: bytes) -> int:
    """Return the checksum at the end of a message, right or wrong; 0 if the message is too short."""
    return int(CHECKSUM.unpack(data[-CHECKSUM.size :])[1]) if len(data) >= CHECKSUM.size else 0


def verify(data: bytes, origin: int) -> None:
    """Verify the checksum at the end of a message's bytes; raises `WireError` if it does not match."""
    if data[-CHECKSUM.size : -CHECKSUM.size + 1] != bytes([TAG]):
        raise WireError(Reason.CORRUPT, "there is no checksum at the message's end; is the peer of another version?")
    with memoryview(data) as content:
        checksum = zlib.crc32(content[: -CHECKSUM.size], origin)
    if data[-CHECKSUM.size :] != CHECKSUM.pack(TAG, checksum):
        raise WireError(Reason.CORRUPT, "the checksum at the message's end does not match its bytes")
