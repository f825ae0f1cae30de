"""Machines that lose power, and disks that fail: only the simulated world has machines that can do so."""

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.plan.faults.effects import (
    FailDisk,
    LosePower,
    PartyName,
    Release,
    Script,
    StartParty,
    Until,
    UntilTrunkServes,
)
from harness.plan.faults.fault import Fault
from harness.plan.faults.groups import Group
from harness.trace.event import Event

__all__ = ["DISK_FAILURES", "DiskFailure", "DiskFault", "PowerLoss"]

DiskFailure = Literal["full", "failed-sync", "failed-folder-sync", "failed-rename"]


@dataclass(frozen=True)
class Change:
    """A change of a disk that fails.

    Attributes:
        name: as `MemoryDisk` names it.
        error: an `errno`.
        detail: what happens, in words.
    """

    name: str
    error: int
    detail: str


CHANGES: Mapping[DiskFailure, Change] = {
    "full": Change("write", errno.ENOSPC, "is full when a file is written"),
    "failed-sync": Change("sync", errno.EIO, "fails to sync a file"),
    "failed-folder-sync": Change("sync folder", errno.EIO, "fails to sync a folder"),
    "failed-rename": Change("rename", errno.EIO, "fails to rename a file"),
}
DISK_FAILURES: tuple[DiskFailure, ...] = tuple(CHANGES)


@dataclass(frozen=True)
class PowerLoss(Fault):
    """A machine loses power and starts again: what its disk was not made to keep may be lost.

    Attributes:
        victim: whose machine.
        changes: before which change of the disk after the place, counted from 1; 0 means at the place itself.
    """

    needs_simulation: ClassVar[bool] = True

    victim: PartyName
    changes: int = 0

    def ends(self, party: str) -> bool:
        """Return whether a party is the one that is restarted."""
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
        return f"takes the power from the {self.victim}'s machine{when}, then starts it again"

    def script(self) -> Script:
        """Take the power, at once or in the middle of what the disk is doing, and start the party again."""
        yield LosePower(self.victim, self.changes)
        yield Release()
        if self.changes:
            yield Until("machine.crashed", {"party": self.victim})
        yield StartParty(self.victim)
        if self.victim == "trunk":
            yield UntilTrunkServes()

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether events show that the fault took effect."""
        return any(event.point == "machine.crashed" and event.party == self.victim for event in events)


@dataclass(frozen=True)
class DiskFault(Fault):
    """The next change of a kind fails on a party's disk, once; a program that ends because of it is started again."""

    needs_simulation: ClassVar[bool] = True

    failure: DiskFailure
    victim: PartyName

    def ends(self, party: str) -> bool:
        """Return whether a party may end because of it."""
        return party == self.victim

    @property
    def kind(self) -> str:
        """What happens, as one word with its parameters."""
        return f"disk-{self.failure}-{self.victim}"

    @property
    def group(self) -> Group:
        """A group of its own has too few members."""
        return "other"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"the {self.victim}'s disk {CHANGES[self.failure].detail}, once"

    def script(self) -> Script:
        """Let the change fail; what follows is the party's own doing."""
        change = CHANGES[self.failure]
        yield FailDisk(self.victim, change.name, change.error)

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether events show that the fault took effect."""
        return any(event.point == "disk.failed" and event.party == self.victim for event in events)
