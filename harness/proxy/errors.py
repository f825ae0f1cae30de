"""What can go wrong between the harness and a Toxiproxy server."""

from harness.errors import HarnessError

__all__ = [
    "BackendNotFoundError",
    "NoSuchProxyError",
    "NoSuchToxicError",
    "ProxyNameTakenError",
    "ProxyRequestRefusedError",
    "ProxyServerError",
    "ServerDidNotStartError",
    "ServerUnreachableError",
]


class ProxyServerError(HarnessError):
    """Base of all of them."""


class BackendNotFoundError(ProxyServerError):
    """The real Toxiproxy was asked for and is not on this machine."""


class ServerDidNotStartError(ProxyServerError):
    """A server was started and did not answer in time."""


class ServerUnreachableError(ProxyServerError):
    """No answer from the server's HTTP API."""


class ProxyRequestRefusedError(ProxyServerError):
    """The server refused a request; the message holds its own words."""


class ProxyNameTakenError(ProxyRequestRefusedError):
    """A proxy or toxic of that name exists."""


class NoSuchProxyError(ProxyRequestRefusedError):
    """The server has no proxy of that name."""


class NoSuchToxicError(ProxyRequestRefusedError):
    """The proxy has no toxic of that name."""
