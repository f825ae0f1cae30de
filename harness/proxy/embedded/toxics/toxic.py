"""What a toxic is: integers set over HTTP, and a coroutine that moves chunks along."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass, fields
from random import Random
from typing import ClassVar, Protocol, TypeVar

from harness.errors import UnusableError
from harness.proxy.embedded.chunk import Chunk
from harness.proxy.embedded.errors import BadRequestBodyError, InvalidToxicTypeError

__all__ = ["EmbeddedToxic", "ToxicStream", "register_toxic", "toxic_type", "toxic_type_names"]


class ToxicStream(Protocol):
    """One direction of one connection, as the toxic at work on it sees it.

    When the toxic is updated or removed, reads come back empty and sleeps end early: a toxic that writes
    what it holds and returns at the first empty read therefore loses nothing and needs no special case.
    """

    random: Random
    """Seeded; draw from nothing else."""
    written_bytes: int
    """Bytes that this toxic has written since it was added to the connection; survives updates."""

    @property
    def ended(self) -> bool:
        """Whether the sender closed and everything it sent was read."""

    @property
    def interrupted(self) -> bool:
        """Whether the toxic was updated or removed and should return soon."""

    def __aiter__(self) -> AsyncIterator[Chunk]:
        """Read chunks until the end or until interrupted."""

    async def read(self, within_s: float | None = None) -> Chunk:
        """Return the next chunk, or an empty one at the end or when interrupted.

        Raises TimeoutError when `within_s` seconds pass without any of them.
        """

    async def write(self, chunk: Chunk) -> None:
        """Pass a chunk on, waiting while the receiver is slow."""

    async def sleep(self, seconds: float) -> None:
        """Wait for some seconds or until interrupted."""

    async def sleep_until(self, when_s: float) -> None:
        """Wait until a time of the event loop's clock, or until interrupted."""

    def close(self) -> None:
        """Close the connection towards the receiver once what was written has left."""


@dataclass(frozen=True)
class EmbeddedToxic(ABC):
    """Base of the embedded server's toxics; subclasses are frozen dataclasses of integers with defaults."""

    type: ClassVar[str]
    buffer_bytes: ClassVar[int] = 64 * 1024
    """How much may wait in front of this toxic before the sender is made to wait."""
    resets_connections: ClassVar[bool] = False
    """Whether connections made while this toxic is there are closed with a reset."""
    closes_when_removed: ClassVar[bool] = False
    """Whether removing this toxic closes the connections it was on."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 0:
                raise BadRequestBodyError(f"{field.name} must not be negative")
        self.check()

    def check(self) -> None:  # noqa: B027 - most toxics accept every combination
        """Raise BadRequestBodyError if the attributes make no sense together."""

    @abstractmethod
    async def run(self, stream: ToxicStream) -> None:
        """Move chunks from `stream` to `stream` until a read returns nothing, or close it."""


_types: dict[str, type[EmbeddedToxic]] = {}
ToxicT = TypeVar("ToxicT", bound=EmbeddedToxic)


def register_toxic(toxic: type[ToxicT]) -> type[ToxicT]:
    """Make a toxic available to the HTTP API under its `type`; a decorator.

    Raises:
        UnusableError: another module has a toxic of that type.
    """
    other = _types.get(toxic.type)
    if other is not None and other.__module__ != toxic.__module__:
        modules = f"{other.__module__} and {toxic.__module__}"
        raise UnusableError(f"{modules} both have a toxic {toxic.type!r}; choose another type for one")
    _types[toxic.type] = toxic
    return toxic


def toxic_type(name: str) -> type[EmbeddedToxic]:
    """Return the toxic registered as `name`; raises InvalidToxicTypeError."""
    if name not in _types:
        raise InvalidToxicTypeError
    return _types[name]


def toxic_type_names() -> list[str]:
    """Return every registered type, sorted."""
    return sorted(_types)
