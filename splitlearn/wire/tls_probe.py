"""Checks whether a port speaks TLS: gRPC without TLS sees only that the connection ends."""

import socket
import ssl
from contextlib import suppress

from splitlearn.wire.addresses import host_of

__all__ = ["speaks_tls"]

SECONDS = 2.0


def speaks_tls(address: str) -> bool:
    """Return whether any of a host's addresses answers a TLS handshake, with whatever certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent but the handshake
    host, port = host_of(address), address.rpartition(":")[2]
    with suppress(OSError):
        for family, kind, protocol, _, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            with suppress(OSError), socket.socket(family, kind, protocol) as plain:
                plain.settimeout(SECONDS)
                plain.connect(place)
                with context.wrap_socket(plain):
                    return True
    return False
