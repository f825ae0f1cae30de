"""A client's connection, the one dialled for it, and the two toxic links between them."""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from random import Random

from harness.proxy.embedded.address import split_address
from harness.proxy.embedded.endpoint import Endpoint
from harness.proxy.embedded.errors import BadAddressError
from harness.proxy.embedded.metrics import ByteCount
from harness.proxy.embedded.toxic_link import NamedToxic, ToxicLink

__all__ = ["Connection"]


class Connection:
    """Lives from the client's connect until both sockets are closed."""

    def __init__(
        self,
        client: Endpoint,
        upstream: str,
        counts: dict[str, ByteCount],
        generator_for: Callable[[str, str], Random],
        current_toxics: Callable[[], Iterable[NamedToxic]],
        on_closed: Callable[["Connection"], None],
    ) -> None:
        self._client = client
        self._upstream = upstream
        self._counts = counts
        self._generator_for = generator_for
        self._current_toxics = current_toxics
        self._on_closed = on_closed
        self._server: Endpoint | None = None
        self._open_endpoints = 1
        self._aborted = False
        self._toxic_links: dict[str, ToxicLink] = {}
        client.on_lost = self._endpoint_lost
        loop = asyncio.get_running_loop()
        self._closed = loop.create_future()
        self._dial = loop.create_task(self._dial_upstream())

    def add_toxic(self, named: NamedToxic) -> None:
        """Add a toxic to the direction it names; a connection not yet dialled picks it up later."""
        if self._toxic_links:
            self._toxic_links[named.direction].add(named)

    def update_toxic(self, named: NamedToxic) -> None:
        """Replace the toxic of that name."""
        if self._toxic_links:
            self._toxic_links[named.direction].update(named)

    def remove_toxic(self, named: NamedToxic) -> None:
        """Remove the toxic of that name."""
        if self._toxic_links:
            self._toxic_links[named.direction].remove(named.name)

    async def abort(self) -> None:
        """Close both sockets at once and return when they are closed."""
        self._aborted = True
        self._dial.cancel()
        self._client.abort()
        if self._server:
            self._server.abort()
        await self._closed

    async def _dial_upstream(self) -> None:
        try:
            host, port = split_address(self._upstream)
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: Endpoint(self._join), host, port)
        except (OSError, UnicodeError, BadAddressError):
            self._client.end()

    def _join(self, server: Endpoint) -> None:
        if self._aborted:
            server.abort()
            return
        self._server = server
        self._open_endpoints += 1
        server.on_lost = self._endpoint_lost
        toxics = list(self._current_toxics())
        if any(named.toxic.resets_connections for named in toxics):
            self._client.reset_on_close()
            server.reset_on_close()
        self._toxic_links = {
            "upstream": self._toxic_link(self._client, server, "upstream"),
            "downstream": self._toxic_link(server, self._client, "downstream"),
        }
        for named in toxics:
            self._toxic_links[named.direction].add(named)

    def _toxic_link(self, source: Endpoint, sink: Endpoint, direction: str) -> ToxicLink:
        return ToxicLink(source, sink, self._counts[direction], partial(self._generator_for, direction))

    def _endpoint_lost(self) -> None:
        self._open_endpoints -= 1
        if self._open_endpoints == 0:
            for toxic_link in self._toxic_links.values():
                toxic_link.cancel()
            if not self._closed.done():
                self._closed.set_result(None)
            self._on_closed(self)
