"""A line that swallows everything."""

from dataclasses import dataclass
from typing import ClassVar

from harness.proxy.embedded.toxics.toxic import EmbeddedToxic, ToxicStream, register_toxic

__all__ = ["Timeout"]


@register_toxic
@dataclass(frozen=True)
class Timeout(EmbeddedToxic):
    """Drops all data and closes `timeout` ms after the last chunk; 0 leaves the connection open."""

    type: ClassVar[str] = "timeout"
    # Bytes were dropped: a stream with a hole in it must not go on as if whole.
    closes_when_removed: ClassVar[bool] = True

    timeout: int = 0

    async def run(self, stream: ToxicStream) -> None:
        """Read and drop until nothing has arrived for long enough."""
        within_s = self.timeout / 1000 if self.timeout else None
        try:
            while await stream.read(within_s):
                pass
        except TimeoutError:
            stream.close()
