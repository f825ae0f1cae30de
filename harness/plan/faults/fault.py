"""What every fault is: a value with a script of effects, which begins while a process is held at a named point.

Adding a fault is one class with `kind`, `group`, `detail`, `script` and `shows`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from harness.plan.faults.effects import Script, Until
from harness.plan.faults.groups import OTHER, Group
from harness.trace.event import Event
from harness.trace.place import At

__all__ = ["SHARED_MARKS", "Fault", "failed_call", "is_failed_call", "is_lost_connection"]

SHARED_MARKS = frozenset({"client.call.failed", "client.connection.changed"})
LOST = ("IDLE", "TRANSIENT_FAILURE")


@dataclass(frozen=True)
class Fault(ABC):
    """Something that goes wrong once.

    Attributes:
        at: where; the process is held there until the script says `Release`, or ends.
        asks_to_stop: whether the script asks a program to stop (`StopParty`), which makes the client save at whatever
            step it is.
    """

    asks_to_stop: ClassVar[bool] = False
    # In JSON, an unknown parameter of a fault is an error.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    # Whether its script arms a hop that treats single messages badly, or one that alters single bits.
    needs_relay: ClassVar[bool] = False
    needs_flipper: ClassVar[bool] = False

    at: At

    @property
    @abstractmethod
    def kind(self) -> str:
        """What happens, as a word or two that fit a file name, with its parameters."""

    @property
    def group(self) -> Group:
        """The group that its kind belongs to."""
        return OTHER

    @property
    @abstractmethod
    def detail(self) -> str:
        """What it does, in words."""

    def ends(self, party: str) -> bool:
        """Return whether it ends a party's program, to start it again."""
        return False

    @abstractmethod
    def script(self) -> Script:
        """Yield what breaks, `Release`, and what mends it again.

        If an effect cannot be carried out, `HarnessError` is raised at its `yield`.
        """

    @abstractmethod
    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether the events from its place on show that the fault took effect.

        `SHARED_MARKS`, which other faults leave too, are included only up to the next fault.
        """

    @property
    def name(self) -> str:
        """Short name for reports, unique within a scenario: what happens, and where."""
        step = "" if self.at.step is None else f".{self.at.step}"
        microbatch = "" if self.at.microbatch is None else f".{self.at.microbatch}"
        occurrence = "" if self.at.occurrence == 1 else f"#{self.at.occurrence}"
        return f"{self.kind}@{self.at.point}{step}{microbatch}{occurrence}"


def is_failed_call(event: Event, method: str = "") -> bool:
    """Return whether the client saw a call fail, of one RPC if one is named."""
    return event.point == "client.call.failed" and (not method or event.fields["method"] == method)


def is_lost_connection(event: Event) -> bool:
    """Return whether the client saw its connection break."""
    return event.point == "client.connection.changed" and event.fields["state"] in LOST


def failed_call(method: str = "") -> Until:
    """Return the wait until the client has noticed: a call has failed, of one RPC if one is named."""
    return Until("client.call.failed", {"method": method} if method else {})
