"""The bounded queue of chunks that wait for a toxic."""

from collections import deque
from collections.abc import Callable
from typing import Protocol

from harness.proxy.embedded.chunk import Chunk

__all__ = ["Outlet", "Pipe"]

# What a queued chunk costs besides its bytes; this also bounds a queue of very small chunks.
_CHUNK_OVERHEAD_BYTES = 256


def _nobody() -> None:
    """Stand in until a reader or a writer registers."""


class Outlet(Protocol):
    """Where a writer puts its chunks: the queue of the next toxic, or the socket at the end."""

    on_room: Callable[[], None]

    @property
    def has_room(self) -> bool:
        """Whether the writer may put another chunk; `on_room` is called when this becomes true."""

    def put(self, data: bytes | memoryview) -> None:
        """Take bytes. They are accepted without room too: the writer is trusted to ask first."""

    def end(self) -> None:
        """Learn that no chunk follows."""


class Pipe:
    """First in, first out; says when its writer should wait and when its reader may go on.

    Each queue notes when a chunk came to it: in a chain every toxic counts from there, so that delays add up.
    """

    def __init__(self, limit_bytes: int, clock: Callable[[], float]) -> None:
        self.on_room: Callable[[], None] = _nobody
        self.on_data: Callable[[], None] = _nobody
        self._limit_bytes = limit_bytes
        self._clock = clock
        self._chunks: deque[Chunk] = deque()
        self._held_bytes = 0
        self._ended = False
        self._abandoned = False

    @property
    def has_room(self) -> bool:
        """Whether the limit has not been reached."""
        return self._held_bytes < self._limit_bytes and not self._abandoned

    @property
    def empty(self) -> bool:
        """Whether nothing is held now."""
        return not self._chunks

    @property
    def ended(self) -> bool:
        """Whether every chunk was taken and none will follow."""
        return self._ended and not self._chunks

    def put(self, data: bytes | memoryview) -> None:
        """Hold bytes for the reader, as a chunk that arrived now."""
        if self._abandoned:
            return
        self._chunks.append(Chunk(memoryview(data), self._clock()))
        self._held_bytes += len(data) + _CHUNK_OVERHEAD_BYTES
        self.on_data()

    def end(self) -> None:
        """Learn that no chunk follows."""
        self._ended = True
        self.on_data()

    def take(self) -> Chunk:
        """Remove and return the oldest chunk; raises IndexError if empty."""
        chunk = self._chunks.popleft()
        had_room = self.has_room
        self._held_bytes -= len(chunk) + _CHUNK_OVERHEAD_BYTES
        if self.has_room and not had_room:
            self.on_room()
        return chunk

    def abandon(self) -> None:
        """Drop what is held and refuse more: nothing reads from here any longer."""
        self._abandoned = True
        self._chunks.clear()
        self._held_bytes = 0
