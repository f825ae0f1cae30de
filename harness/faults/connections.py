"""Connections that are closed, and networks that are gone for a while."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.events import At, Event
from harness.faults.fault import is_failed_call, is_lost_connection, named, wait_for_failed_call
from harness.proxy.toxic import Stream, Toxic
from harness.world import World

__all__ = ["CutMessage", "DropConnection", "Partition"]


@dataclass(frozen=True)
class DropConnection:
    """Every connection is closed; new ones are taken at once. Where an RPC is named, a call of it must fail."""

    at: At
    method: str = ""

    @property
    def name(self) -> str:
        """Short name for reports."""
        return named("drop", self.at)

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return "closes every connection"

    def inject(self, world: World) -> None:
        """Break it."""
        world.network.disconnect()
        world.network.reconnect()

    def heal(self, world: World, since: Event) -> None:
        """Nothing is left to mend."""

    def shows(self, events: Sequence[Event]) -> bool:
        """Whether events show that the fault took effect."""
        return _broke(events, self.method)


@dataclass(frozen=True)
class Partition:
    """Every connection is closed and none is taken for a while. Where an RPC is named, a call of it must fail."""

    at: At
    seconds: float
    method: str = ""

    @property
    def name(self) -> str:
        """Short name for reports."""
        return named(f"partition-{self.seconds:g}s", self.at)

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"closes every connection and refuses new ones for {self.seconds:g} s"

    def inject(self, world: World) -> None:
        """Break it."""
        world.network.disconnect()

    def heal(self, world: World, since: Event) -> None:
        """Mend it after its time."""
        world.let_pass(self.seconds)
        world.network.reconnect()

    def shows(self, events: Sequence[Event]) -> bool:
        """Whether events show that the fault took effect."""
        return _broke(events, self.method)


@dataclass(frozen=True)
class CutMessage:
    """The connection is closed after some more bytes, in the middle of a message, of an RPC where it is named."""

    at: At
    stream: Stream
    bytes: int
    method: str = ""

    @property
    def name(self) -> str:
        """Short name for reports."""
        return named(f"cut-{self.stream}-{self.bytes}", self.at)

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"closes the connection after {self.bytes} more bytes {self.stream}"

    def inject(self, world: World) -> None:
        """Break it."""
        world.network.add(self._toxic)

    def heal(self, world: World, since: Event) -> None:
        """Mend it when the client has noticed."""
        wait_for_failed_call(world, since, self.method)
        world.network.remove(self._toxic)

    def shows(self, events: Sequence[Event]) -> bool:
        """Whether events show that the fault took effect."""
        return any(is_failed_call(event, self.method) for event in events)

    @property
    def _toxic(self) -> Toxic:
        return Toxic(type="limit_data", stream=self.stream, attributes={"bytes": self.bytes}, name=self.name)


def _broke(events: Sequence[Event], method: str) -> bool:
    """Whether a call of an RPC failed; where none is named, any call, or the connection alone."""
    failed = any(is_failed_call(event, method) for event in events)
    return failed or (not method and any(map(is_lost_connection, events)))
