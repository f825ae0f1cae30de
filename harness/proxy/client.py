"""The one place that talks to a Toxiproxy server, real or embedded, through `toxiproxy-python`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

import requests
from toxiproxy.api import APIConsumer
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from harness.plan.faults.toxic import Toxic
from harness.proxy.counters import ByteCounters, read_counters
from harness.proxy.errors import (
    NoSuchProxyError,
    NoSuchToxicError,
    ProxyNameTakenError,
    ProxyRequestRefusedError,
    ServerUnreachableError,
)

__all__ = ["ByteCounters", "ProxyHandle", "Toxic", "ToxiproxyClient"]

_TIMEOUT_S = 30.0
# Environment variables that name an HTTP proxy must not reroute loopback traffic.
_NO_HTTP_PROXY = {"http": "", "https": ""}


class ToxiproxyClient:
    """Drives the server at `host`:`port`; every call ends within 30 s.

    All methods raise ServerUnreachableError when there is no answer and ProxyRequestRefusedError (or one of its
    kinds) when the server says no. A client may be used by several threads.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        # The library keeps host and port on its class; a subclass per client keeps them apart.
        self._api: Any = type("_Api", (APIConsumer,), {"host": host, "port": port})

    def create_proxy(self, name: str, upstream: str, listen: str = "127.0.0.1:0") -> "ProxyHandle":
        """Create a proxy and return it listening; raises ProxyNameTakenError."""
        body = {"name": name, "upstream": upstream, "listen": listen, "enabled": True}
        made = self.call("post", "/proxies", body).json()
        return ProxyHandle(self, name=name, listen=made["listen"], upstream=upstream)

    def reset(self) -> None:
        """Enable every proxy and remove every toxic."""
        self.call("post", "/reset")

    def version(self) -> str:
        """Return the version that the server reports."""
        return str(self.call("get", "/version").json()["version"])

    def byte_counters(self, proxy_name: str) -> ByteCounters:
        """Return the bytes relayed by a proxy since it was created; zeros before its first connection.

        The real server counts a connection when it ends, the embedded one as bytes pass. Bytes taken in are always
        counted; bytes passed on are not by the real server where the connection broke while it wrote.
        """
        return read_counters(self.call("get", "/metrics").text, proxy_name)

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> requests.Response:
        """Send one request; the errors are those of the class."""
        options: dict[str, object] = {"timeout": _TIMEOUT_S, "proxies": _NO_HTTP_PROXY}
        if body is not None:
            options["json"] = body
        where = f"{method.upper()} http://{self.host}:{self.port}{path}"
        try:
            response: requests.Response = getattr(self._api, method)(path, **options)
        except ProxyExists as error:
            raise ProxyNameTakenError(
                f"{where}: {_words(error)}. Choose another name or destroy the old one."
            ) from error
        except NotFound as error:
            raise _missing(where, _words(error)) from error
        except InvalidToxic as error:
            raise ProxyRequestRefusedError(f"{where}: {_words(error)}. {_advice(_words(error))}") from error
        except requests.RequestException as error:
            raise ServerUnreachableError(f"{where}: {error}. Is the Toxiproxy server still running?") from error
        if response.status_code >= 400:
            raise ProxyRequestRefusedError(f"{where}: status {response.status_code}: {response.text.strip()}")
        return response


@dataclass(frozen=True)
class ProxyHandle:
    """A proxy on a server. `listen` and `upstream` are HOST:PORT; clients connect to `listen`."""

    client: ToxiproxyClient
    name: str
    listen: str
    upstream: str

    def disable(self) -> None:
        """Stop listening and close every connection; toxics stay."""
        self.client.call("post", self._path, {"enabled": False})

    def enable(self) -> None:
        """Listen again, on the same address."""
        self.client.call("post", self._path, {"enabled": True})

    def add_toxic(self, toxic: Toxic) -> None:
        """Add a toxic, live; raises ProxyNameTakenError."""
        self.client.call("post", f"{self._path}/toxics", asdict(toxic))

    def update_toxic(self, toxic: Toxic) -> None:
        """Set the attributes and toxicity of the toxic of that name, live; raises NoSuchToxicError."""
        body = {"attributes": dict(toxic.attributes), "toxicity": toxic.toxicity}
        self.client.call("post", f"{self._path}/toxics/{quote(toxic.name, safe='')}", body)

    def remove_toxic(self, name: str) -> None:
        """Remove a toxic, live; raises NoSuchToxicError."""
        self.client.call("delete", f"{self._path}/toxics/{quote(name, safe='')}")

    def toxics(self) -> tuple[Toxic, ...]:
        """Return the toxics on it now, upstream first."""
        return tuple(Toxic(**shown) for shown in self.client.call("get", f"{self._path}/toxics").json())

    def byte_counters(self) -> ByteCounters:
        """Return the bytes relayed: see `ToxiproxyClient.byte_counters`."""
        return self.client.byte_counters(self.name)

    def destroy(self) -> None:
        """Close and delete it."""
        self.client.call("delete", self._path)

    @property
    def _path(self) -> str:
        return f"/proxies/{quote(self.name, safe='')}"


def _words(error: Exception) -> str:
    content = error.args[0]
    return content.decode(errors="replace").strip() if isinstance(content, bytes) else str(content)


def _advice(words: str) -> str:
    if "invalid toxic type" in words:
        return (
            "Correct the type; one of your own must be imported before the run begins, and only an embedded server can "
            "have it (--proxy embedded)."
        )
    return "Correct the values sent."


def _missing(where: str, words: str) -> ProxyRequestRefusedError:
    if "toxic not found" in words:
        return NoSuchToxicError(f"{where}: {words}. Add the toxic first, or list them with toxics().")
    if "proxy not found" in words:
        return NoSuchProxyError(f"{where}: {words}. Create the proxy first.")
    return ProxyRequestRefusedError(f"{where}: {words}. Start a real server with -proxy-metrics to read counters.")
