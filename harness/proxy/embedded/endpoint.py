"""One of the two sockets of a connection."""

import asyncio
import socket
import struct
from collections.abc import Callable

from harness.proxy.embedded.metrics import ByteCount

__all__ = ["Endpoint"]

# How much may wait for a receiver that does not read, besides the kernel's own buffers.
_WRITE_BUFFER_BYTES = 256 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def _nobody() -> None:
    """Stand in until someone registers."""


def _discard(_data: bytes) -> None:
    """Stand in until a toxic link registers; nothing is read before."""


class Endpoint(asyncio.Protocol):
    """The source of one toxic link and the sink of the other; starts out not reading."""

    def __init__(self, on_connected: Callable[["Endpoint"], None]) -> None:
        self.count = ByteCount()
        self.on_room: Callable[[], None] = _nobody
        self.on_data: Callable[[bytes], None] = _discard
        self.on_end: Callable[[], None] = _nobody
        self.on_lost: Callable[[], None] = _nobody
        self._on_connected = on_connected
        self._transport: asyncio.Transport
        self._full = False
        self._closing = False
        self._reading = False
        self._source_over = False

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, without reading."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        transport.pause_reading()
        self._on_connected(self)

    def data_received(self, data: bytes) -> None:
        """Hand bytes to the toxic link."""
        self.on_data(data)

    def eof_received(self) -> bool:
        """Treat a half-close as the end of this direction."""
        self._over()
        return True  # keep the socket: the other direction still has bytes to deliver

    def connection_lost(self, _error: Exception | None) -> None:
        """Tell both toxic links that this socket is gone."""
        self._closing = True
        self._set_full(full=False)
        self._over()
        self.on_lost()

    def pause_writing(self) -> None:
        """Learn that the receiver is slow."""
        self._set_full(full=True)

    def resume_writing(self) -> None:
        """Learn that the receiver caught up."""
        self._set_full(full=False)

    # As a source.

    def pause(self) -> None:
        """Stop reading, so that the kernel makes the sender wait."""
        if self._reading and not self._closing:
            self._transport.pause_reading()
        self._reading = False

    def resume(self) -> None:
        """Read again; also the way to begin."""
        if not self._reading and not self._closing and not self._source_over:
            self._transport.resume_reading()
            self._reading = True

    def _over(self) -> None:
        if not self._source_over:
            self._source_over = True
            self._reading = False
            self.on_end()

    # As a sink: see Outlet.

    @property
    def has_room(self) -> bool:
        """Whether the receiver keeps up."""
        return not self._full

    def put(self, data: bytes | memoryview) -> None:
        """Send; bytes that a closed peer will never read are dropped."""
        if not self._closing:
            self.count.sent += len(data)
            self._transport.write(data)

    def end(self) -> None:
        """Close once everything written has left."""
        if not self._closing:
            self._closing = True
            self._transport.close()
        self._over()

    def _set_full(self, *, full: bool) -> None:
        self._full = full
        if not full:
            self.on_room()

    def reset_on_close(self) -> None:
        """Turn the eventual close into a reset."""
        raw = self._transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)

    def abort(self) -> None:
        """Close at once; unsent bytes are lost."""
        self._closing = True
        self._transport.abort()
