"""The unit in which bytes travel through toxics."""

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["MAX_CHUNK_BYTES", "Chunk", "chunks_of"]

MAX_CHUNK_BYTES = 32 * 1024


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes that reached a toxic together; an empty one stands for "nothing more to read now".

    `arrived_s` is the event loop's clock, in seconds, when they came to the toxic that reads them.
    """

    data: memoryview
    arrived_s: float

    def __len__(self) -> int:
        return len(self.data)

    def split(self, at: int) -> tuple["Chunk", "Chunk"]:
        """Return the first `at` bytes and the rest, both with this chunk's arrival time."""
        return Chunk(self.data[:at], self.arrived_s), Chunk(self.data[at:], self.arrived_s)


def chunks_of(data: bytes) -> Iterator[memoryview]:
    """Cut the bytes of one read into pieces of at most `MAX_CHUNK_BYTES`."""
    view = memoryview(data)
    for start in range(0, len(data), MAX_CHUNK_BYTES):
        yield view[start : start + MAX_CHUNK_BYTES]
