"""What every fault is: a value, injected while a process is held at a named point.

Adding a fault is one class with `name`, `detail`, `inject`, `heal` and `shows`.
"""

from collections.abc import Sequence
from typing import Protocol

from harness.events import At, Event
from harness.world import World

__all__ = [
    "NOTICE_TIMEOUT",
    "SHARED_MARKS",
    "Fault",
    "is_failed_call",
    "is_lost_connection",
    "named",
    "wait_for_failed_call",
]

# What may pass until the system notices: longer than any deadline of a scenario.
NOTICE_TIMEOUT = 90.0
SHARED_MARKS = frozenset({"client.call.failed", "client.connection.changed"})
LOST = ("IDLE", "TRANSIENT_FAILURE")


class Fault(Protocol):
    """Something that goes wrong once."""

    @property
    def at(self) -> At:
        """Where; the process is held there until `inject` is done."""

    @property
    def name(self) -> str:
        """Short name for reports, unique within a scenario."""

    @property
    def detail(self) -> str:
        """What it does, in words."""

    def inject(self, world: World) -> None:
        """Break it; the process is still held. Raises `HarnessError` where that cannot be done."""

    def heal(self, world: World, since: Event) -> None:
        """Mend it, when the process goes on again; `since` is its passing of the point.

        Raises `HarnessError` where that cannot be done.
        """

    def shows(self, events: Sequence[Event]) -> bool:
        """Whether the events from its place on show that the fault took effect.

        Of `SHARED_MARKS`, which other faults leave too, only those before the next fault are among them.
        """


def is_failed_call(event: Event, method: str = "") -> bool:
    """Whether the client saw a call fail, of one RPC where it is named."""
    return event.point == "client.call.failed" and (not method or event.fields["method"] == method)


def is_lost_connection(event: Event) -> bool:
    """Whether the client saw its connection break."""
    return event.point == "client.connection.changed" and event.fields["state"] in LOST


def wait_for_failed_call(world: World, since: Event, method: str) -> None:
    """Wait until the client has noticed: a call has failed, of one RPC where it is named; raises `HarnessError`."""
    fields = {"method": method} if method else {}
    world.wait_for("client.call.failed", since, NOTICE_TIMEOUT, **fields)


def named(kind: str, at: At) -> str:
    """Give a fault's short name: what happens, and where."""
    step = "" if at.step is None else f".{at.step}"
    microbatch = "" if at.microbatch is None else f".{at.microbatch}"
    occurrence = "" if at.occurrence == 1 else f"#{at.occurrence}"
    return f"{kind}@{at.point}{step}{microbatch}{occurrence}"
