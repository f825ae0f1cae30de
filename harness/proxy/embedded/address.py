"""Addresses written as HOST:PORT, and listening on them."""

import asyncio
import os
import re
import socket

from harness.proxy.embedded.errors import BadAddressError, ListenFailedError

__all__ = ["canonical_address", "listening_socket", "shown_address", "split_address"]

_WILDCARDS = {"", "0.0.0.0", "::"}  # noqa: S104 - recognised here, not chosen
_BACKLOG = 512
_PORTS = range(65536)
_NUMBER = re.compile(r"[+-]?[0-9]+")


def split_address(address: str) -> tuple[str, int]:
    """Split `HOST:PORT` or `[HOST]:PORT`; an empty address means any host, any port.

    Raises BadAddressError with the reason.
    """
    if not address:
        return "", 0
    host, colon, port = address.rpartition(":")
    if not colon:
        raise BadAddressError(f"address {address}: missing port in address")
    if host.startswith("["):
        host = _within_brackets(host, address)
    elif ":" in host:
        raise BadAddressError(f"address {address}: too many colons in address")
    return host, _port_number(port)


async def canonical_address(address: str) -> str:
    """Return the address with its host resolved, in the form that `listen` shows; raises BadAddressError."""
    family, target = await _resolve(address)
    return shown_address(family, target)


def shown_address(family: socket.AddressFamily, target: tuple[str, int]) -> str:
    """Return the address as Toxiproxy writes it."""
    host, port = target
    return f"[{host}]:{port}" if family == socket.AF_INET6 else f"{host}:{port}"


async def listening_socket(address: str) -> socket.socket:
    """Bind and listen; raises ListenFailedError if that is impossible."""
    try:
        family, target = await _resolve(address)
    except BadAddressError as error:
        raise ListenFailedError(f": {error}") from error
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(target[0] != "::"))
        listener.bind(target)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        reason = os.strerror(error.errno or 0).lower()
        raise ListenFailedError(f" {shown_address(family, target)}: bind: {reason}") from error
    listener.setblocking(False)  # noqa: FBT003 - its only form
    return listener


def _within_brackets(host: str, address: str) -> str:
    if "]" not in host:
        raise BadAddressError(f"address {address}: missing ']' in address")
    if not host.endswith("]"):
        raise BadAddressError(f"address {address}: missing port in address")
    return host[1:-1]


def _port_number(port: str) -> int:
    if not port:
        return 0
    if _NUMBER.fullmatch(port):
        if int(port) not in _PORTS:
            raise BadAddressError(f"address {port}: invalid port")
        return int(port)
    try:
        return socket.getservbyname(port, "tcp")
    except (OSError, UnicodeError) as error:
        raise BadAddressError(f"lookup tcp/{port}: unknown port") from error


async def _resolve(address: str) -> tuple[socket.AddressFamily, tuple[str, int]]:
    host, port = split_address(address)
    if host in _WILDCARDS:
        # One socket for all interfaces and both protocols, if the machine has IPv6.
        if socket.has_dualstack_ipv6():
            return socket.AF_INET6, ("::", port)
        return socket.AF_INET, ("0.0.0.0", port)  # noqa: S104 - asked for by the wildcard
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise BadAddressError(f"lookup {host}: no such host") from error
    # An IPv4 address wins over an IPv6 one, as clients of `localhost` expect.
    family, _, _, _, target = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, (str(target[0]), port)
