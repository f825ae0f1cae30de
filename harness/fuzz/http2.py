"""HTTP/2 as bytes: as much of it as a rule-breaking server needs."""

import struct
from collections.abc import Iterable

__all__ = ["ACK", "DATA", "END_HEADERS", "END_STREAM", "GOAWAY", "HEADERS", "PING", "PREFACE", "RST_STREAM", "SETTINGS",
           "WINDOW_UPDATE", "frame", "header_block", "message"]  # fmt: skip

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
LARGEST_PREFIXED = 127


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a frame."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def header_block(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return headers as uncompressed, unindexed literals of arbitrary bytes."""
    return b"".join(b"\x00" + _text(name) + _text(value) for name, value in headers)


def message(body: bytes) -> bytes:
    """Return a message framed as gRPC does."""
    return b"\x00" + struct.pack(">I", len(body)) + body


def _text(text: bytes) -> bytes:
    """Return a string preceded by its length, an HPACK integer with a 7-bit prefix."""
    left = len(text)
    if left < LARGEST_PREFIXED:
        return bytes([left]) + text
    head, left = bytearray([LARGEST_PREFIXED]), left - LARGEST_PREFIXED
    while left > LARGEST_PREFIXED:
        head.append(left & LARGEST_PREFIXED | 128)
        left >>= 7
    return bytes([*head, left]) + text
