"""A connection that is reset instead of closed."""

from dataclasses import dataclass
from typing import ClassVar

from harness.proxy.embedded.toxics.toxic import EmbeddedToxic, ToxicStream, register_toxic

__all__ = ["ResetPeer"]


@register_toxic
@dataclass(frozen=True)
class ResetPeer(EmbeddedToxic):
    """Waits for data or the end, then `timeout` ms, then resets both sides.

    On a connection that is older than the toxic the close is an ordinary one.
    """

    type: ClassVar[str] = "reset_peer"
    resets_connections: ClassVar[bool] = True

    timeout: int = 0

    async def run(self, stream: ToxicStream) -> None:
        """Wait, then close; the socket options make that a reset."""
        chunk = await stream.read()
        if not stream.interrupted:
            await stream.sleep(self.timeout / 1000)
        if not stream.interrupted:
            stream.close()
        elif chunk:
            await stream.write(chunk)
