"""Connections to a listening socket."""

import socket
from collections.abc import Iterator

__all__ = ["accepted"]


def accepted(server: socket.socket) -> Iterator[socket.socket]:
    """Yield connections as they arrive, until the socket is shut down."""
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        yield connection
