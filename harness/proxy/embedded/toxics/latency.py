"""A slow line: everything arrives later, but at the same rate."""

from dataclasses import dataclass
from typing import ClassVar

from harness.proxy.embedded.toxics.toxic import EmbeddedToxic, ToxicStream, register_toxic

__all__ = ["Latency"]


@register_toxic
@dataclass(frozen=True)
class Latency(EmbeddedToxic):
    """Lets each chunk leave `latency` ± `jitter` ms after it arrived, in order."""

    type: ClassVar[str] = "latency"
    # What is in flight on a long fat line: the delay must hold bytes back without throttling them.
    buffer_bytes: ClassVar[int] = 32 * 1024 * 1024

    latency: int = 0
    jitter: int = 0

    async def run(self, stream: ToxicStream) -> None:
        """Hold each chunk until it is due."""
        async for chunk in stream:
            delay_ms = self.latency + stream.random.uniform(-self.jitter, self.jitter)
            await stream.sleep_until(chunk.arrived_s + delay_ms / 1000)
            await stream.write(chunk)
