"""All proxies of a server, by name."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.proxy.embedded.errors import MissingFieldError, ProxyAlreadyExistsError, ProxyNotFoundError
from harness.proxy.embedded.json_body import JsonObject, value_of
from harness.proxy.embedded.metrics import ProxyMetrics
from harness.proxy.embedded.proxy import Proxy

__all__ = ["Proxies", "ProxySettings"]


@dataclass(frozen=True)
class ProxySettings:
    """What a client asks for in a proxy."""

    name: str
    listen: str
    upstream: str
    enabled: bool

    @classmethod
    def read(cls, body: JsonObject, where: str = "") -> "ProxySettings":
        """Read a proxy to be created; raises MissingFieldError (its text ends with `where`), BadRequestBodyError."""
        settings = cls(
            name=value_of(body, "name", ""),
            listen=value_of(body, "listen", ""),
            upstream=value_of(body, "upstream", ""),
            enabled=value_of(body, "enabled", True),  # noqa: FBT003 - the value, not a switch
        )
        if not settings.name:
            raise MissingFieldError("name", where)
        if not settings.upstream:
            raise MissingFieldError("upstream", where)
        return settings


class Proxies:
    """Creates, finds, replaces and removes proxies."""

    def __init__(self, seed: int) -> None:
        self.metrics = ProxyMetrics()
        self._seed = seed
        self._by_name: dict[str, Proxy] = {}
        self._being_created: set[str] = set()

    def __iter__(self) -> Iterator[Proxy]:
        return iter([proxy for _, proxy in sorted(self._by_name.items())])

    def get(self, name: str) -> Proxy:
        """Return the proxy of that name; raises ProxyNotFoundError."""
        if name not in self._by_name:
            raise ProxyNotFoundError
        return self._by_name[name]

    async def create(self, settings: ProxySettings) -> Proxy:
        """Create a proxy; raises ProxyAlreadyExistsError, or ListenFailedError and then creates nothing."""
        if settings.name in self._by_name or settings.name in self._being_created:
            raise ProxyAlreadyExistsError
        return await self._open(settings)

    async def create_or_replace(self, settings: ProxySettings) -> Proxy:
        """Create a proxy unless it exists with the same addresses.

        One that it cannot replace stays: untouched after BadAddressError, disabled after ListenFailedError.
        """
        existing = self._by_name.get(settings.name)
        if not existing:
            return await self.create(settings)
        async with existing.changing:
            if not await existing.differs_from(settings.listen, settings.upstream):
                return existing
            await existing.disable()
            return await self._open(settings)

    async def _open(self, settings: ProxySettings) -> Proxy:
        name = settings.name
        proxy = Proxy(name, settings.listen, settings.upstream, seed=self._seed, metrics=self.metrics)
        self._being_created.add(name)
        try:
            if settings.enabled:
                await proxy.enable()
        finally:
            self._being_created.discard(name)
        self._by_name[name] = proxy
        return proxy

    async def remove(self, name: str) -> None:
        """Close and delete a proxy; raises ProxyNotFoundError."""
        proxy = self.get(name)
        del self._by_name[name]
        async with proxy.changing:
            await proxy.disable()

    async def reset(self) -> None:
        """Enable every proxy and remove every toxic; raises ListenFailedError."""
        for proxy in self:
            async with proxy.changing:
                await proxy.enable()
                proxy.remove_all_toxics()

    async def close(self) -> None:
        """Close every proxy."""
        for proxy in self:
            await self.remove(proxy.name)
