"""A bit of a checkpoint that is altered on the disk after it was synced, which only a simulated machine can do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.plan.faults.effects import AlterHalf, KillParty, PartyName, Release, Script, StartParty, UntilTrunkServes
from harness.plan.faults.fault import Fault
from harness.trace.event import Event

__all__ = ["HALVES", "BitRot", "WhichHalf"]

WhichHalf = Literal["newest", "oldest"]
HALVES: tuple[WhichHalf, ...] = ("newest", "oldest")


@dataclass(frozen=True)
class BitRot(Fault):
    """A party dies, and a bit of one of its checkpoints' halves is altered before it is started again.

    What the system promises is that the checkpoint before is used. So the half is one without which both parties still
    have an unaltered checkpoint of the same step.

    Attributes:
        victim: the party on the machine.
        half: which of those halves.
        bit: which bit, counted from the file's end, where the tensors are.
    """

    needs_simulation: ClassVar[bool] = True

    victim: PartyName
    half: WhichHalf = "newest"
    bit: int = 0

    def ends(self, party: str) -> bool:
        """Return whether a party is the one that is killed."""
        return party == self.victim

    @property
    def kind(self) -> str:
        """What happens, as one word with its parameters."""
        return f"bit-rot-{self.victim}-{self.half}-{self.bit}"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        which = f"its {self.half} half of a checkpoint that neither party depends on"
        return f"kills the {self.victim}, alters a bit of {which}, then starts it again"

    def script(self) -> Script:
        """Alter the bit, and restart the party."""
        yield AlterHalf(self.victim, self.half == "newest", self.bit)
        yield KillParty(self.victim)
        yield Release()
        yield StartParty(self.victim)
        if self.victim == "trunk":
            yield UntilTrunkServes()

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether the events show that a bit was altered."""
        return any(event.point == "disk.altered" and event.party == self.victim for event in events)
