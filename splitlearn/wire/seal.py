"""Seals: the last field of every message is a checksum of all bytes before it.

TCP's own checksum is short, and whatever stands between the parties makes its own: an altered learning rate or norm
would change a training without a word.
"""

import struct
import zlib
from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import DecodeError

from splitlearn.wire.errors import Reason, WireError

__all__ = ["readable", "sealed", "unsealed"]

# Field 15, of 32 bits: to a reader of messages it is one field more.
SEAL = struct.Struct("<BI")
TAG = 15 << 3 | 5

M = TypeVar("M")


def sealed(body: bytes) -> bytes:
    """Put the seal behind a message's bytes."""
    return body + SEAL.pack(TAG, zlib.crc32(body))


def unsealed(data: bytes) -> bytes:
    """Give a message's bytes without the seal; raises `WireError` when it does not match them."""
    body = data[: -SEAL.size]
    if data[-SEAL.size : -SEAL.size + 1] != bytes([TAG]):
        raise WireError(Reason.CORRUPT, "there is no checksum at the message's end; is the peer of another version?")
    if data[-SEAL.size :] != SEAL.pack(TAG, zlib.crc32(body)):
        raise WireError(Reason.CORRUPT, "the checksum at the message's end does not match its bytes")
    return body


def readable(parse: Callable[[bytes], M], *, seal: bool) -> Callable[[bytes], "M | WireError"]:
    """Give a reader that never fails: what is wrong with the bytes is its value.

    gRPC answers for a reader that fails, with a code of its own, and at a server never lets go of the call again.

    Args:
        parse: reads a message, or raises `DecodeError`.
        seal: there must be one.
    """

    def read(data: bytes) -> M | WireError:
        try:
            return parse(unsealed(data) if seal else data)
        except DecodeError:
            return WireError(Reason.BAD_REQUEST, "the bytes are no message of this method")
        except WireError as error:
            return error

    return read
