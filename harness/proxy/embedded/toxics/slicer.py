"""A line that cuts what it carries into small pieces."""

from dataclasses import dataclass
from typing import ClassVar

from harness.proxy.embedded.errors import BadRequestBodyError
from harness.proxy.embedded.toxics.toxic import EmbeddedToxic, ToxicStream, register_toxic

__all__ = ["Slicer"]


@register_toxic
@dataclass(frozen=True)
class Slicer(EmbeddedToxic):
    """Cuts chunks into pieces of `average_size` ± `size_variation` bytes, `delay` µs apart."""

    type: ClassVar[str] = "slicer"

    average_size: int = 0
    size_variation: int = 0
    delay: int = 0

    def check(self) -> None:
        """Refuse impossible sizes."""
        if self.average_size == 0:
            raise BadRequestBodyError("average_size must be at least 1")
        if self.size_variation > self.average_size:
            raise BadRequestBodyError("size_variation must not exceed average_size")

    async def run(self, stream: ToxicStream) -> None:
        """Cut, and wait after each piece."""
        async for chunk in stream:
            rest = chunk
            while rest:
                piece, rest = rest.split(self._piece_bytes(stream) if not stream.interrupted else len(rest))
                await stream.write(piece)
                await stream.sleep(self.delay / 1_000_000)

    def _piece_bytes(self, stream: ToxicStream) -> int:
        return max(1, self.average_size + stream.random.randint(-self.size_variation, self.size_variation))
