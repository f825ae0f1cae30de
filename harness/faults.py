"""What can break: each fault is a value, injected while a process is held at a named point.

Adding a fault is one class with `inject` and `heal`.
"""

from dataclasses import dataclass
from typing import Protocol

from harness.network import Network
from harness.observer import At, Event
from harness.proxy.toxic import Stream, Toxic

__all__ = ["CutMessage", "DropConnection", "Fault", "ProxyDown"]

NOTICE_TIMEOUT = 90.0


class Fault(Protocol):
    """Something that goes wrong once.

    Attributes:
        at: where; the process is held there until `inject` is done.
    """

    @property
    def at(self) -> At:
        """Where it happens."""

    @property
    def name(self) -> str:
        """Short name for reports, unique within a scenario."""

    @property
    def detail(self) -> str:
        """What it does, in words."""

    def inject(self, network: Network) -> None:
        """Break it; the process is still held."""

    def heal(self, network: Network, injected: Event) -> None:
        """Mend it, when the process goes on again."""


@dataclass(frozen=True)
class DropConnection:
    """Every connection is closed; new ones are taken at once."""

    at: At

    @property
    def name(self) -> str:
        """Short name for reports."""
        return _named("drop", self.at)

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return "closes every connection"

    def inject(self, network: Network) -> None:
        """Break it."""
        network.disconnect()
        network.reconnect()

    def heal(self, network: Network, injected: Event) -> None:
        """Nothing is left to mend."""


@dataclass(frozen=True)
class ProxyDown:
    """Every connection is closed and none is taken for a while."""

    at: At
    seconds: float

    @property
    def name(self) -> str:
        """Short name for reports."""
        return _named(f"down-{self.seconds:g}s", self.at)

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"closes every connection and refuses new ones for {self.seconds:g} s"

    def inject(self, network: Network) -> None:
        """Break it."""
        network.disconnect()

    def heal(self, network: Network, injected: Event) -> None:
        """Mend it after its time."""
        network.let_pass(self.seconds)
        network.reconnect()


@dataclass(frozen=True)
class CutMessage:
    """The connection is closed after some more bytes, in the middle of a message."""

    at: At
    stream: Stream
    bytes: int

    @property
    def name(self) -> str:
        """Short name for reports."""
        return _named(f"cut-{self.stream}-{self.bytes}", self.at)

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"closes the connection after {self.bytes} more bytes {self.stream}"

    def inject(self, network: Network) -> None:
        """Break it."""
        network.add(self._toxic)

    def heal(self, network: Network, injected: Event) -> None:
        """Mend it when the client has noticed."""
        network.wait_for_failed_call(injected, NOTICE_TIMEOUT)
        network.remove(self._toxic)

    @property
    def _toxic(self) -> Toxic:
        return Toxic(type="limit_data", stream=self.stream, attributes={"bytes": self.bytes}, name=self.name)


def _named(kind: str, at: At) -> str:
    place = (
        at.point + ("" if at.step is None else f".{at.step}") + ("" if at.microbatch is None else f".{at.microbatch}")
    )
    return f"{kind}@{place}"
