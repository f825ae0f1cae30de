"""A line that dies after a number of bytes."""

from dataclasses import dataclass
from typing import ClassVar

from harness.proxy.embedded.toxics.toxic import EmbeddedToxic, ToxicStream, register_toxic

__all__ = ["LimitData"]


@register_toxic
@dataclass(frozen=True)
class LimitData(EmbeddedToxic):
    """Passes `bytes` bytes, counted from when the toxic was added, then closes."""

    type: ClassVar[str] = "limit_data"

    bytes: int = 0

    async def run(self, stream: ToxicStream) -> None:
        """Count, cut and close."""
        async for chunk in stream:
            allowed, _ = chunk.split(max(0, self.bytes - stream.written_bytes))
            if allowed:
                await stream.write(allowed)
            if stream.written_bytes >= self.bytes:
                stream.close()
                return
