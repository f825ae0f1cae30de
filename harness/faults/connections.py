"""Connections that are closed, and networks that are gone for a while."""

from dataclasses import dataclass

from harness.faults.fault import NOTICE_TIMEOUT, is_failed_call, is_lost_connection, named
from harness.observer import At, Event
from harness.proxy.toxic import Stream, Toxic
from harness.world import World

__all__ = ["CutMessage", "DropConnection", "Partition"]


@dataclass(frozen=True)
class DropConnection:
    """Every connection is closed; new ones are taken at once."""

    at: At

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

    def is_mark(self, event: Event) -> bool:
        """Whether an event shows that the fault took effect."""
        return is_failed_call(event) or is_lost_connection(event)


@dataclass(frozen=True)
class Partition:
    """Every connection is closed and none is taken for a while."""

    at: At
    seconds: float

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

    def is_mark(self, event: Event) -> bool:
        """Whether an event shows that the fault took effect."""
        return is_failed_call(event) or is_lost_connection(event)


@dataclass(frozen=True)
class CutMessage:
    """The connection is closed after some more bytes, in the middle of a message."""

    at: At
    stream: Stream
    bytes: int

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
        world.wait_for("client.call.failed", since, NOTICE_TIMEOUT)
        world.network.remove(self._toxic)

    def is_mark(self, event: Event) -> bool:
        """Whether an event shows that the fault took effect."""
        return is_failed_call(event)

    @property
    def _toxic(self) -> Toxic:
        return Toxic(type="limit_data", stream=self.stream, attributes={"bytes": self.bytes}, name=self.name)
