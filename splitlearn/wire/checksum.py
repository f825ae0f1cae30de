"""Message checksums: the last field of every message is a checksum of all bytes before it, and of what they answer.

TCP's own checksum is short, and whatever stands between the parties makes its own: an altered learning rate or norm
would change a training without a word. One altered bit of HTTP/2 can also lead a message to another call or another
method, whole as it is. So the checksum of a request covers the method's name, that of a reply the request's checksum,
and that of a stream's further replies the checksum before.
"""

import struct
import zlib

from splitlearn.wire.errors import Reason, WireError

__all__ = ["checksum_of", "origin_of", "verified", "with_checksum"]

# Field 15, of 32 bits: to a reader of messages it is one field more.
CHECKSUM = struct.Struct("<BI")
TAG = 15 << 3 | 5


def origin_of(method: str) -> int:
    """Return what the checksum of a request to a method begins with."""
    return zlib.crc32(method.encode())


def with_checksum(body: bytes, origin: int) -> bytes:
    """Put the checksum behind a message's bytes.

    Args:
        body: the bytes.
        origin: of the method for a request, the request's checksum for a reply.
    """
    return body + CHECKSUM.pack(TAG, zlib.crc32(body, origin))


def checksum_of(data: bytes) -> int:
    """Return the checksum at the end of a message, right or not; 0 where there is no room for one."""
    return int(CHECKSUM.unpack(data[-CHECKSUM.size :])[1]) if len(data) >= CHECKSUM.size else 0


def verified(data: bytes, origin: int) -> bytes:
    """Return a message's bytes without its checksum; raises `WireError` when it does not match."""
    body = data[: -CHECKSUM.size]
    if data[-CHECKSUM.size : -CHECKSUM.size + 1] != bytes([TAG]):
        raise WireError(Reason.CORRUPT, "there is no checksum at the message's end; is the peer of another version?")
    if data[-CHECKSUM.size :] != CHECKSUM.pack(TAG, zlib.crc32(body, origin)):
        raise WireError(Reason.CORRUPT, "the checksum at the message's end does not match its bytes")
    return body
