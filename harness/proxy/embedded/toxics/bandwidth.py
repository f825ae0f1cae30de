"""A narrow line: bytes per second."""

import asyncio
import math
from dataclasses import dataclass
from typing import ClassVar

from harness.proxy.embedded.chunk import Chunk
from harness.proxy.embedded.toxics.toxic import EmbeddedToxic, ToxicStream, register_toxic

__all__ = ["Bandwidth"]

_SLICE_S = 0.1


@register_toxic
@dataclass(frozen=True)
class Bandwidth(EmbeddedToxic):
    """Passes `rate` KB (1000 bytes) a second on each connection, in slices of 100 ms; 0 stalls."""

    type: ClassVar[str] = "bandwidth"

    rate: int = 0

    async def run(self, stream: ToxicStream) -> None:
        """Release each slice when a line of this rate would have delivered it."""
        # From now: a chunk that waited through an update was not on this line before.
        line_free_s = asyncio.get_running_loop().time()
        async for chunk in stream:
            # A chunk that had to wait leaves right after the one before it, so late wake-ups do not add up.
            line_free_s = max(line_free_s, chunk.arrived_s)
            rest = chunk
            while rest:
                piece, rest = rest.split(self._slice_bytes(rest) if not stream.interrupted else len(rest))
                line_free_s += self._transmission_s(piece)
                await stream.sleep_until(line_free_s)
                await stream.write(piece)

    def _slice_bytes(self, chunk: Chunk) -> int:
        return round(self.rate * 1000 * _SLICE_S) or len(chunk)

    def _transmission_s(self, piece: Chunk) -> float:
        return len(piece) / (self.rate * 1000) if self.rate else math.inf
