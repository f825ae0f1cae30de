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
    """Base of all proxy errors."""


class BackendNotFoundError(ProxyServerError):
    """The real Toxiproxy was asked for but is not on this machine."""


class ServerDidNotStartError(ProxyServerError):
    """A server was started but did not answer in time."""


class ServerUnreachableError(ProxyServerError):
    """The server's HTTP API does not answer."""


class ProxyRequestRefusedError(ProxyServerError):
    """The server refused a request; the message quotes it."""


class ProxyNameTakenError(ProxyRequestRefusedError):
    """A proxy or toxic of that name exists."""


class NoSuchProxyError(ProxyRequestRefusedError):
    """The server has no proxy of that name."""


class NoSuchToxicError(ProxyRequestRefusedError):
    """The proxy has no toxic of that name."""
