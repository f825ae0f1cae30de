"""What a script may ask for, as values; the executor of a plan carries them out."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from harness.plan.attack_effects import AttackEffect
from harness.plan.faults.flip import Flip
from harness.plan.faults.message_rule import MessageRule
from harness.plan.faults.toxic import Toxic
from harness.trace.event import Event
from harness.trace.place import At, AtAny

__all__ = [
    "NOTICE_TIMEOUT",
    "PARTIES",
    "AddToxic",
    "AlterHalf",
    "ArmFlip",
    "ArmMessageFault",
    "DeliverLate",
    "Disconnect",
    "Effect",
    "FailDisk",
    "KeepPower",
    "KillParty",
    "LosePower",
    "PartyName",
    "PauseParty",
    "Reconnect",
    "Release",
    "RemoveToxic",
    "ResumeParty",
    "ResumeSuperseded",
    "Script",
    "StartParty",
    "StartStoppedParty",
    "StopParty",
    "Supersede",
    "SwallowConnections",
    "Until",
    "UntilTrunkServes",
    "Wait",
]

PartyName = Literal["client", "trunk"]
PARTIES: tuple[PartyName, ...] = ("client", "trunk")
# Seconds until the system must have noticed: longer than any deadline of a scenario.
NOTICE_TIMEOUT = 90.0


@dataclass(frozen=True)
class Release:
    """The fault is injected: release the process that is held at the fault's place."""


@dataclass(frozen=True)
class Disconnect:
    """Close every connection and refuse new ones."""


@dataclass(frozen=True)
class Reconnect:
    """Accept connections again."""


@dataclass(frozen=True)
class SwallowConnections:
    """Let the connections that are open swallow everything for good, in the simulated world."""


@dataclass(frozen=True)
class AddToxic:
    """Add a toxic to live connections."""

    toxic: Toxic


@dataclass(frozen=True)
class RemoveToxic:
    """Remove a toxic from live connections."""

    toxic: Toxic


@dataclass(frozen=True)
class ArmMessageFault:
    """Apply a rule to the next message of a method."""

    fault: MessageRule


@dataclass(frozen=True)
class DeliverLate:
    """Send the held requests to the trunk."""


@dataclass(frozen=True)
class ArmFlip:
    """Alter one bit of the next bytes."""

    flip: Flip


@dataclass(frozen=True)
class KillParty:
    """Send SIGKILL."""

    party: str


@dataclass(frozen=True)
class LosePower:
    """Take the power from a party's machine, in the simulated world.

    Attributes:
        party: whose machine.
        changes: before which change of its disk from now on, counted from 1; 0 means at once.
    """

    party: PartyName
    changes: int


@dataclass(frozen=True)
class KeepPower:
    """Take back a `LosePower` whose change has not come."""

    party: PartyName


@dataclass(frozen=True)
class FailDisk:
    """Let the next changes of some kinds fail on a party's disk, in the simulated world.

    Attributes:
        party: whose disk.
        changes: as `MemoryDisk` names them.
        error: an `errno`.
        times: how many fail.
    """

    party: PartyName
    changes: tuple[str, ...]
    error: int
    times: int


@dataclass(frozen=True)
class AlterHalf:
    """Alter a bit of a half of a checkpoint on a party's disk, in the simulated world.

    Attributes:
        party: whose disk.
        newest: whether it is the newest or the oldest of the halves that the parties can do without.
        bit: counted from the file's end.
    """

    party: PartyName
    newest: bool
    bit: int


@dataclass(frozen=True)
class StopParty:
    """Send SIGTERM."""

    party: str


@dataclass(frozen=True)
class StartParty:
    """Restart the program."""

    party: str


@dataclass(frozen=True)
class StartStoppedParty:
    """Wait until a party that was asked to stop has ended with this exit status, then restart it."""

    party: str
    status: int


@dataclass(frozen=True)
class PauseParty:
    """Send SIGSTOP."""

    party: str


@dataclass(frozen=True)
class ResumeParty:
    """Send SIGCONT."""

    party: str


@dataclass(frozen=True)
class Supersede:
    """Pause a party's process and start another one beside it, in the simulated world."""

    party: PartyName


@dataclass(frozen=True)
class ResumeSuperseded:
    """Let a party's superseded processes continue, in the simulated world."""

    party: PartyName


@dataclass(frozen=True)
class Until:
    """Wait until a point is passed; the script gets the event, or `HarnessError` if it does not come.

    Attributes:
        point: its name.
        fields: fields that the event must have.
        within: seconds.
        after: events up to this one do not count; None means the passing of the fault's place.
        of_any: whether any client or trunk may pass it, not only the first.
    """

    point: str
    fields: Mapping[str, object] = field(default_factory=dict)
    within: float = NOTICE_TIMEOUT
    after: Event | None = None
    of_any: bool = False

    @property
    def at(self) -> At:
        """The place."""
        return AtAny(self.point) if self.of_any else At(self.point)


@dataclass(frozen=True)
class UntilTrunkServes:
    """Wait until a restarted trunk serves."""


@dataclass(frozen=True)
class Wait:
    """Wait this many seconds, unless the run ends."""

    seconds: float


Effect: TypeAlias = (
    Release
    | Disconnect
    | Reconnect
    | SwallowConnections
    | AddToxic
    | RemoveToxic
    | ArmMessageFault
    | DeliverLate
    | ArmFlip
    | KillParty
    | LosePower
    | KeepPower
    | FailDisk
    | AlterHalf
    | StopParty
    | StartParty
    | StartStoppedParty
    | PauseParty
    | ResumeParty
    | Supersede
    | ResumeSuperseded
    | Until
    | UntilTrunkServes
    | Wait
    | AttackEffect
)
Script: TypeAlias = Generator[Effect, Event | None, None]
