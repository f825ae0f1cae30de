"""Classifies the bytes of a connection by part of HTTP/2, as they pass."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.plan.faults.flip import Part

__all__ = ["Fragment", "Frames"]

PREFACE = 24
HEADER = 9
END_STREAM = 0x1
DATA, HEADERS = 0, 1
PARTS: dict[int, Part] = {
    0: "data",
    1: "headers",
    3: "reset",
    4: "settings",
    6: "ping",
    7: "goaway",
    8: "window update",
    9: "headers",
}


@dataclass(frozen=True)
class Fragment:
    """Bytes of one chunk that belong to one part.

    Attributes:
        part: its kind.
        size: of the whole part in bytes.
        at: offset in the part.
        start: where in the chunk the bytes begin.
        stop: where in the chunk the bytes end.
    """

    part: Part
    size: int
    at: int
    start: int
    stop: int


class Frames:
    """Follows one direction of a connection.

    Args:
        from_client: the direction begins with the preface, and its headers are not trailers.
    """

    def __init__(self, *, from_client: bool) -> None:
        self._from_client = from_client
        self._part: Part = "preface" if from_client else "frame header"
        self._size = PREFACE if from_client else HEADER
        self._at = 0
        self._header = bytearray()

    def fragments(self, chunk: bytes) -> Iterator[Fragment]:
        """Return the parts that a chunk consists of, in order."""
        start = 0
        while start < len(chunk):
            stop = min(len(chunk), start + self._size - self._at)
            yield Fragment(self._part, self._size, self._at, start, stop)
            if self._part == "frame header":
                self._header += chunk[start:stop]
            self._at += stop - start
            if self._at == self._size:
                self._next()
            start = stop

    def _next(self) -> None:
        if self._part == "frame header" and any(self._header[:3]):
            self._part, self._size = self._payload(), int.from_bytes(self._header[:3], "big")
        else:
            self._part, self._size = "frame header", HEADER
        self._at = 0
        if self._part == "frame header":
            self._header.clear()

    def _payload(self) -> Part:
        kind, flags = self._header[3], self._header[4]
        if kind == HEADERS and flags & END_STREAM and not self._from_client:
            return "trailers"
        return PARTS.get(kind, "other")
