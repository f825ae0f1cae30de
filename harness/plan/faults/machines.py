"""Faults of machines: power losses and disk failures, which only the simulated world can inject."""

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.plan.faults.effects import (
    FailDisk,
    KeepPower,
    LosePower,
    PartyName,
    Release,
    Script,
    StartParty,
    Until,
    UntilTrunkServes,
)
from harness.plan.faults.fault import Fault, mended_after
from harness.plan.faults.groups import Group
from harness.trace.event import Event

__all__ = ["DISK_FAILURES", "DiskFailure", "DiskFault", "PowerLoss"]

DiskFailure = Literal["full", "no-room", "failed-sync", "failed-folder-sync", "failed-rename"]


@dataclass(frozen=True)
class Change:
    """Kinds of disk changes that can fail.

    Attributes:
        names: the kinds' names in `MemoryDisk`.
        error: the `errno` of the failure.
        detail: predicate that completes the sentence "the disk …".
    """

    names: tuple[str, ...]
    error: int
    detail: str


CHANGES: Mapping[DiskFailure, Change] = {
    "full": Change(("write",), errno.ENOSPC, "is full when a file is written"),
    "no-room": Change(("make folder", "create", "write", "append"), errno.ENOSPC, "has room for nothing new"),
    "failed-sync": Change(("sync",), errno.EIO, "fails to sync a file"),
    "failed-folder-sync": Change(("sync folder",), errno.EIO, "fails to sync a folder"),
    "failed-rename": Change(("rename",), errno.EIO, "fails to rename a file"),
}
DISK_FAILURES: tuple[DiskFailure, ...] = tuple(CHANGES)


@dataclass(frozen=True)
class PowerLoss(Fault):
    """A machine loses power and is restarted; changes of its disk that were not synced may be lost.

    Attributes:
        victim: the party on the machine.
        changes: the power is lost just before this change of the disk, counted from 1 after the place; 0 means at the
            place itself.
    """

    needs_simulation: ClassVar[bool] = True

    victim: PartyName
    changes: int = 0

    def ends(self, party: str) -> bool:
        """Return whether a party is the one whose process ends."""
        return party == self.victim

    @property
    def kind(self) -> str:
        """What happens, as one word with its parameters."""
        return f"power-loss-{self.victim}" + (f"-{self.changes}" if self.changes else "")

    @property
    def group(self) -> Group:
        """The group, by what happens to which party."""
        return "client killed" if self.victim == "client" else "trunk killed"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        when = f", before change {self.changes} of its disk" if self.changes else ""
        return f"cuts the power of the {self.victim}'s machine{when}, then restarts it"

    def script(self) -> Script:
        """Cut the power, at once or just before a change of the disk, and restart the party.

        If the change does not come in time, the machine keeps its power: nobody would restart the party.
        """
        yield LosePower(self.victim, self.changes)
        yield Release()
        if self.changes:
            yield from mended_after(self._crash(), (KeepPower(self.victim),))
        yield StartParty(self.victim)
        if self.victim == "trunk":
            yield UntilTrunkServes()

    def _crash(self) -> Script:
        yield Until("machine.crashed", {"party": self.victim})

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether the events show that the machine lost power."""
        return any(event.point == "machine.crashed" and event.party == self.victim for event in events)


@dataclass(frozen=True)
class DiskFault(Fault):
    """The next changes of one kind on a party's disk fail; a program that exits because of it is restarted.

    Attributes:
        failure: the kind of failure.
        victim: the party whose disk fails.
        times: number of changes that fail.
    """

    needs_simulation: ClassVar[bool] = True

    failure: DiskFailure
    victim: PartyName
    times: int = 1

    def ends(self, party: str) -> bool:
        """Return whether a party is the one whose process may exit."""
        return party == self.victim

    @property
    def kind(self) -> str:
        """What happens, as one word with its parameters."""
        return f"disk-{self.failure}-{self.victim}" + (f"-{self.times}-times" if self.times > 1 else "")

    @property
    def group(self) -> Group:
        """The group "other": disk failures have too few members for a group of their own."""
        return "other"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        often = "once" if self.times == 1 else f"{self.times} times"
        return f"the {self.victim}'s disk {CHANGES[self.failure].detail}, {often}"

    def script(self) -> Script:
        """Make the changes fail; recovering is up to the party."""
        change = CHANGES[self.failure]
        yield FailDisk(self.victim, change.names, change.error, self.times)

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether the events show that a change failed."""
        return any(event.point == "disk.failed" and event.party == self.victim for event in events)
