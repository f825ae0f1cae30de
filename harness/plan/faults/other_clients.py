"""Clients besides the first that are killed, paused or asked to stop by themselves, in the simulated world."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.plan.faults.effects import (
    KillParty,
    PauseParty,
    Release,
    ResumeParty,
    Script,
    StartParty,
    StartStoppedParty,
    StopParty,
    Wait,
)
from harness.plan.faults.fault import Fault
from harness.plan.faults.groups import Group
from harness.trace.event import Event

__all__ = ["HARMS", "Harm", "OtherClientFault"]

Harm = Literal["kill", "pause", "restart"]
STOPPED = 128 + signal.SIGTERM
# How each shows.
MARKS: dict[Harm, str] = {"kill": "process.killed", "pause": "process.paused", "restart": "client.training.stopping"}
HARMS: tuple[Harm, ...] = tuple(MARKS)


@dataclass(frozen=True)
class OtherClientFault(Fault):
    """Another client of the same trunk comes to harm, while the first client or the trunk is at a place.

    Attributes:
        client: its number, from 2.
        harm: it is killed and started again, paused for a while, or asked to stop and started again.
        seconds: of a pause.
    """

    needs_simulation: ClassVar[bool] = True

    client: int
    harm: Harm
    seconds: float = 2.0

    @property
    def party(self) -> str:
        """The client's name."""
        return f"client-{self.client}"

    @property
    def kind(self) -> str:
        """What happens, as one word with its parameters."""
        return f"{self.harm}-{self.party}" + (f"-{self.seconds:g}s" if self.harm == "pause" else "")

    @property
    def group(self) -> Group:
        """The group, by what happens."""
        return "client killed" if self.harm == "kill" else "stopped or paused"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        match self.harm:
            case "kill":
                return f"kills the {self.party}, then starts it again"
            case "pause":
                return f"stops the {self.party} for {self.seconds:g} s"
            case "restart":
                return f"asks the {self.party} to stop, then starts it again"

    def script(self) -> Script:
        """Do the harm; a paused client is continued after a while, any other one is started again."""
        match self.harm:
            case "kill":
                yield KillParty(self.party)
                yield Release()
                yield StartParty(self.party)
            case "pause":
                yield PauseParty(self.party)
                yield Release()
                yield Wait(self.seconds)
                yield ResumeParty(self.party)
            case "restart":
                yield StopParty(self.party)
                yield Release()
                yield StartStoppedParty(self.party, STOPPED)

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether the events show that the harm was done."""
        return any(event.point == MARKS[self.harm] and event.party == self.party for event in events)
