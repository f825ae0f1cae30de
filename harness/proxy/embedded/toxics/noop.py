"""The toxic that does nothing."""

from dataclasses import dataclass
from typing import ClassVar

from harness.proxy.embedded.toxics.toxic import EmbeddedToxic, ToxicStream, register_toxic

__all__ = ["Noop"]


@register_toxic
@dataclass(frozen=True)
class Noop(EmbeddedToxic):
    """Passes everything on."""

    type: ClassVar[str] = "noop"

    async def run(self, stream: ToxicStream) -> None:
        """Pass everything on."""
        async for chunk in stream:
            await stream.write(chunk)
