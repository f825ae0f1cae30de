"""What the script of a fault may ask for, as values; whoever runs a plan carries them out."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from harness.plan.faults.flip import Flip
from harness.plan.faults.message_rule import MessageRule
from harness.plan.faults.toxic import Toxic
from harness.trace.event import Event

__all__ = [
    "NOTICE_TIMEOUT",
    "PARTIES",
    "AddToxic",
    "ArmFlip",
    "ArmMessageFault",
    "DeliverLate",
    "Disconnect",
    "Effect",
    "KillParty",
    "PartyName",
    "PauseParty",
    "Reconnect",
    "Release",
    "RemoveToxic",
    "ResumeParty",
    "Script",
    "SendMalformed",
    "StartParty",
    "StartStoppedParty",
    "StopParty",
    "TellLies",
    "Until",
    "UntilAnswered",
    "UntilTrunkServes",
    "Wait",
]

PartyName = Literal["client", "trunk"]
PARTIES: tuple[PartyName, ...] = ("client", "trunk")
# What may pass until the system notices: longer than any deadline of a scenario.
NOTICE_TIMEOUT = 90.0


@dataclass(frozen=True)
class Release:
    """The fault is injected: let the process go on that is held at the fault's place."""


@dataclass(frozen=True)
class Disconnect:
    """Close every connection and refuse new ones."""


@dataclass(frozen=True)
class Reconnect:
    """Take connections again."""


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
    """Treat the next message of a method badly."""

    fault: MessageRule


@dataclass(frozen=True)
class DeliverLate:
    """Send the requests that were held back to the trunk."""


@dataclass(frozen=True)
class ArmFlip:
    """Alter one bit of the next bytes."""

    flip: Flip


@dataclass(frozen=True)
class KillParty:
    """SIGKILL."""

    party: PartyName


@dataclass(frozen=True)
class StopParty:
    """SIGTERM."""

    party: PartyName


@dataclass(frozen=True)
class StartParty:
    """Start it again."""

    party: PartyName


@dataclass(frozen=True)
class StartStoppedParty:
    """Wait until a party that was asked to stop has ended with this exit status, then start it again."""

    party: PartyName
    status: int


@dataclass(frozen=True)
class PauseParty:
    """SIGSTOP."""

    party: PartyName


@dataclass(frozen=True)
class ResumeParty:
    """SIGCONT."""

    party: PartyName


@dataclass(frozen=True)
class Until:
    """Wait until a point is passed; the script gets the event, or `HarnessError` where it does not come.

    Attributes:
        point: its name.
        fields: what the event must tell beside it.
        within: seconds.
        after: an earlier event does not count; None stands for the passing of the fault's place.
    """

    point: str
    fields: Mapping[str, object] = field(default_factory=dict)
    within: float = NOTICE_TIMEOUT
    after: Event | None = None


@dataclass(frozen=True)
class UntilTrunkServes:
    """Wait until a trunk that was started again serves."""


@dataclass(frozen=True)
class Wait:
    """Let so many seconds pass, unless the run ends."""

    seconds: float


@dataclass(frozen=True)
class SendMalformed:
    """Have hostile peers send malformed requests to the trunk, and wait until the last is answered."""

    count: int
    seed: int


@dataclass(frozen=True)
class UntilAnswered:
    """Wait until the hostile peers have had so many answers."""

    count: int


@dataclass(frozen=True)
class TellLies:
    """Have a lying trunk tell clients of its own lies, and wait until the last is told."""

    count: int
    seed: int


Effect: TypeAlias = (
    Release
    | Disconnect
    | Reconnect
    | AddToxic
    | RemoveToxic
    | ArmMessageFault
    | DeliverLate
    | ArmFlip
    | KillParty
    | StopParty
    | StartParty
    | StartStoppedParty
    | PauseParty
    | ResumeParty
    | Until
    | UntilTrunkServes
    | Wait
    | SendMalformed
    | UntilAnswered
    | TellLies
)
Script: TypeAlias = Generator[Effect, Event | None, None]
