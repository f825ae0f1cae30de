"""Message checksums: the last field of every message is a checksum of all bytes before it, and of what they answer.

TCP's own checksum is short, and whatever stands between the parties makes its own: an altered learning rate or norm
would change a training without a word. One altered bit of HTTP/2 can also lead a message to another call or another
method, whole as it is. So the checksum of a request covers the method's name, that of a reply the request's checksum,
and that of a stream's further replies the checksum before.
"""

import io
import struct
import zlib

from splitlearn.wire.errors import Reason, WireError

__all__ = ["checksum_of", "origin_of", "verify", "with_checksum"]

# Field 15, of 32 bits: to a reader of messages it is one field more.
CHECKSUM = struct.Struct("<BI")
TAG = 15 << 3 | 5


def origin_of(method: str) -> int:
    """Return what the checksum of a request to a method begins with."""
    return zlib.crc32(method.encode())


def with_checksum(body: bytes, origin: int) -> bytes:
    """Put the checksum behind a message's bytes; those that nobody else holds are extended and not copied.

    Args:
        body: the bytes.
        origin: of the method for a request, the request's checksum for a reply.
    """
    stream = io.BytesIO(body)
    del body  # the stream copies only what somebody else still holds
    with stream.getbuffer() as content:
        checksum = zlib.crc32(content, origin)
    stream.seek(0, io.SEEK_END)
    stream.write(CHECKSUM.pack(TAG, checksum))
    return stream.getvalue()


def checksum_of(data: bytes) -> int:
    """Return the checksum at the end of a message, right or not; 0 where there is no room for one."""
    return int(CHECKSUM.unpack(data[-CHECKSUM.size :])[1]) if len(data) >= CHECKSUM.size else 0


def verify(data: bytes, origin: int) -> None:
    """Hold a message's bytes against the checksum at their end; raises `WireError` when it does not match."""
    if data[-CHECKSUM.size : -CHECKSUM.size + 1] != bytes([TAG]):
        raise WireError(Reason.CORRUPT, "there is no checksum at the message's end; is the peer of another version?")
    with memoryview(data) as content:
        checksum = zlib.crc32(content[: -CHECKSUM.size], origin)
    if data[-CHECKSUM.size :] != CHECKSUM.pack(TAG, checksum):
        raise WireError(Reason.CORRUPT, "the checksum at the message's end does not match its bytes")
