"""A connection that lingers before it closes."""

from dataclasses import dataclass
from typing import ClassVar

from harness.proxy.embedded.toxics.toxic import EmbeddedToxic, ToxicStream, register_toxic

__all__ = ["SlowClose"]


@register_toxic
@dataclass(frozen=True)
class SlowClose(EmbeddedToxic):
    """Passes everything on at once, and the close `delay` ms late."""

    type: ClassVar[str] = "slow_close"

    delay: int = 0

    async def run(self, stream: ToxicStream) -> None:
        """Pass everything on, then wait."""
        async for chunk in stream:
            await stream.write(chunk)
        if stream.ended:
            await stream.sleep(self.delay / 1000)
