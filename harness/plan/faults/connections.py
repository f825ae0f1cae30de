"""Connections that are closed, and networks that are down for a while."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.plan.faults.effects import AddToxic, Disconnect, Reconnect, Release, RemoveToxic, Script, Wait
from harness.plan.faults.fault import Fault, is_failed_call, is_lost_connection, mended_after, until_a_call_failed
from harness.plan.faults.groups import Group
from harness.plan.faults.toxic import Stream, Toxic
from harness.trace.event import Event

__all__ = ["CutMessage", "DropConnection", "Partition"]


@dataclass(frozen=True)
class DropConnection(Fault):
    """Every connection is closed; new ones are accepted at once. If an RPC is named, a call of it must fail."""

    method: str = ""

    @property
    def kind(self) -> str:
        """What happens, as one word with its parameters."""
        return "drop"

    @property
    def group(self) -> Group:
        """The group of faults that end a connection."""
        return "connection"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return "closes every connection"

    def script(self) -> Script:
        """Close the connections; nothing needs mending."""
        yield Disconnect()
        yield Reconnect()

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether events show that the fault took effect."""
        return _broke(events, self.method)


@dataclass(frozen=True)
class Partition(Fault):
    """Every connection is closed and none is accepted for a while. If an RPC is named, a call of it must fail."""

    seconds: float
    method: str = ""

    @property
    def kind(self) -> str:
        """What happens, as one word with its parameters."""
        return f"partition-{self.seconds:g}s"

    @property
    def group(self) -> Group:
        """The group of faults that end a connection."""
        return "connection"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"closes every connection and refuses new ones for {self.seconds:g} s"

    def script(self) -> Script:
        """Take the network down, and bring it up again after a while."""
        yield Disconnect()
        yield Release()
        yield Wait(self.seconds)
        yield Reconnect()

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether events show that the fault took effect."""
        return _broke(events, self.method)


@dataclass(frozen=True)
class CutMessage(Fault):
    """The connection is closed after some more bytes, in the middle of a message, of an RPC if one is named."""

    stream: Stream
    bytes: int
    method: str = ""

    @property
    def kind(self) -> str:
        """What happens, as one word with its parameters."""
        return f"cut-{self.stream}-{self.bytes}"

    @property
    def group(self) -> Group:
        """The group of faults that end a connection."""
        return "connection"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"closes the connection after {self.bytes} more bytes {self.stream}"

    def script(self) -> Script:
        """Limit the connection, and remove the limit when the client has noticed."""
        yield AddToxic(self._toxic)
        yield Release()
        yield from mended_after(until_a_call_failed(self.method), [RemoveToxic(self._toxic)])

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether events show that the fault took effect."""
        return any(is_failed_call(event, self.method) for event in events)

    @property
    def _toxic(self) -> Toxic:
        return Toxic(type="limit_data", stream=self.stream, attributes={"bytes": self.bytes}, name=self.name)


def _broke(events: Sequence[Event], method: str) -> bool:
    """Return whether a call of an RPC failed; if none is named, any call, or just the connection."""
    failed = any(is_failed_call(event, method) for event in events)
    return failed or (not method and any(map(is_lost_connection, events)))
