"""Connections that swallow everything for good, which only the simulated network can single out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.plan.faults.effects import Script, SwallowConnections
from harness.plan.faults.fault import Fault, is_failed_call
from harness.plan.faults.groups import Group
from harness.trace.event import Event

__all__ = ["Blackhole"]


@dataclass(frozen=True)
class Blackhole(Fault):
    """Nothing arrives any more on the connections that are open, as when a router on the way forgets them.

    Neither side is told, not even when the other closes them. They stay so: only a new connection helps.
    """

    needs_simulation: ClassVar[bool] = True

    @property
    def kind(self) -> str:
        """What happens, as one word."""
        return "blackhole"

    @property
    def group(self) -> Group:
        """The group of faults of the network."""
        return "network"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return "swallows for good whatever is sent on the connections that are open, and says nothing"

    def script(self) -> Script:
        """Let the connections swallow everything; nothing is mended."""
        yield SwallowConnections()

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether events show that a call failed on such a connection."""
        return any(event.point == "proxy.connections.swallowed" for event in events) and any(
            map(is_failed_call, events)
        )
