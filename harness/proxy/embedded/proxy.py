"""A listener, its connections and the toxics on them."""

import asyncio
from random import Random

from harness.proxy.embedded.address import canonical_address, listening_socket, shown_address
from harness.proxy.embedded.connection import Connection
from harness.proxy.embedded.endpoint import Endpoint
from harness.proxy.embedded.errors import ToxicAlreadyExistsError, ToxicNotFoundError
from harness.proxy.embedded.metrics import ByteCount, CounterLabels, ProxyMetrics
from harness.proxy.embedded.randomness import generator_for
from harness.proxy.embedded.toxic_link import NamedToxic

__all__ = ["Proxy"]

STREAMS = ("upstream", "downstream")


class Proxy:
    """Relays what is sent to `listen` to `upstream` while it is enabled."""

    def __init__(self, name: str, listen: str, upstream: str, *, seed: int, metrics: ProxyMetrics) -> None:
        self.name = name
        self.listen = listen
        self.upstream = upstream
        # Changes to one proxy run one after another; those to another proxy need not wait.
        self.changing = asyncio.Lock()
        self._seed = seed
        self._metrics = metrics
        self._listener: asyncio.Server | None = None
        self._accepted = 0
        self._connections: set[Connection] = set()
        self._toxics: dict[str, NamedToxic] = {}

    @property
    def enabled(self) -> bool:
        """Whether it listens."""
        return self._listener is not None

    async def enable(self) -> None:
        """Listen; afterwards `listen` is the resolved address. Raises ListenFailedError and stays disabled."""
        if self.enabled:
            return
        bound = await listening_socket(self.listen)
        self.listen = shown_address(bound.family, bound.getsockname()[:2])
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Endpoint(self._connected), sock=bound)

    async def disable(self) -> None:
        """Stop listening and close every connection; toxics stay."""
        if self._listener:
            self._listener.close()
            self._listener = None
        await asyncio.gather(*(connection.abort() for connection in self._connections))

    async def configure(self, listen: str, upstream: str, *, enabled: bool) -> None:
        """Apply new values. A changed address closes every connection.

        Raises BadAddressError and leaves all as it was, or ListenFailedError and is disabled, with the new address.
        """
        if await self.differs_from(listen, upstream):
            await self.disable()
            self.listen, self.upstream = listen, upstream
        if enabled:
            await self.enable()
        else:
            await self.disable()

    async def differs_from(self, listen: str, upstream: str) -> bool:
        """Return whether these addresses differ from the proxy's own; raises BadAddressError."""
        return await canonical_address(listen) != self.listen or upstream != self.upstream

    @property
    def toxics(self) -> list[NamedToxic]:
        """Those on the upstream direction first, then by age."""
        return sorted(self._toxics.values(), key=lambda named: STREAMS.index(named.direction))

    def toxic(self, name: str) -> NamedToxic:
        """Return the toxic of that name; raises ToxicNotFoundError."""
        if name not in self._toxics:
            raise ToxicNotFoundError
        return self._toxics[name]

    def add_toxic(self, named: NamedToxic) -> None:
        """Add a toxic to every connection, present and future; raises ToxicAlreadyExistsError."""
        if named.name in self._toxics:
            raise ToxicAlreadyExistsError
        self._toxics[named.name] = named
        for connection in self._connections:
            connection.add_toxic(named)

    def update_toxic(self, named: NamedToxic) -> None:
        """Replace the toxic of that name; raises ToxicNotFoundError."""
        self.toxic(named.name)
        self._toxics[named.name] = named
        for connection in self._connections:
            connection.update_toxic(named)

    def remove_toxic(self, name: str) -> None:
        """Remove the toxic of that name from every connection; raises ToxicNotFoundError."""
        named = self.toxic(name)
        del self._toxics[name]
        for connection in self._connections:
            connection.remove_toxic(named)

    def remove_all_toxics(self) -> None:
        """Remove every toxic."""
        for name in list(self._toxics):
            self.remove_toxic(name)

    def _connected(self, client: Endpoint) -> None:
        if not self.enabled:  # accepted in the same moment as the proxy was disabled
            client.abort()
            return
        number, self._accepted = self._accepted, self._accepted + 1

        def generator(stream: str, toxic: str) -> Random:
            return generator_for(self._seed, self.name, number, stream, toxic)

        counts = {stream: self._count(stream) for stream in STREAMS}
        self._connections.add(
            Connection(client, self.upstream, counts, generator, self._toxics.values, self._connections.discard)
        )

    def _count(self, stream: str) -> ByteCount:
        return self._metrics.count_for(CounterLabels(stream, self.listen, self.name, self.upstream))
