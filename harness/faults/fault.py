"""What every fault is: a value, injected while a process is held at a named point.

Adding a fault is one class with `inject`, `heal` and `is_mark`.
"""

from typing import Protocol

from harness.observer import At, Event
from harness.world import World

__all__ = ["NOTICE_TIMEOUT", "Fault", "is_failed_call", "is_lost_connection", "named"]

# What may pass until the system notices: longer than any deadline of a scenario.
NOTICE_TIMEOUT = 90.0
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

    def is_mark(self, event: Event) -> bool:
        """Whether an event shows that the fault took effect."""


def is_failed_call(event: Event) -> bool:
    """Whether the client saw a call fail."""
    return event.point == "client.call.failed"


def is_lost_connection(event: Event) -> bool:
    """Whether the client saw its connection break."""
    return event.point == "client.connection.changed" and event.fields["state"] in LOST


def named(kind: str, at: At) -> str:
    """Give a fault's short name: what happens, and where."""
    step = "" if at.step is None else f".{at.step}"
    microbatch = "" if at.microbatch is None else f".{at.microbatch}"
    occurrence = "" if at.occurrence == 1 else f".{at.occurrence}th"
    return f"{kind}@{at.point}{step}{microbatch}{occurrence}"
