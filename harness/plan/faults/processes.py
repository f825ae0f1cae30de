"""Programs that are killed, paused, or asked to stop, and then continue or restart."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.errors import HarnessError
from harness.plan.faults.effects import (
    KillParty,
    PartyName,
    PauseParty,
    Release,
    ResumeParty,
    Script,
    StartParty,
    StartStoppedParty,
    StopParty,
    Until,
    UntilTrunkServes,
    Wait,
)
from harness.plan.faults.fault import Fault, mended_after
from harness.plan.faults.groups import Group
from harness.trace.event import Event

__all__ = ["VICTIMS", "Absence", "Kill", "Pause", "Restart", "Victims"]

Victims = tuple[PartyName, ...]
VICTIMS: tuple[Victims, ...] = (("client",), ("trunk",), ("client", "trunk"))
# Each program's exit status when it stops on request.
STOPPED = {"client": 128 + signal.SIGTERM, "trunk": 0}
KILLED: dict[Victims, Group] = {("client",): "client killed", ("trunk",): "trunk killed"}
STOPPING = {"client": "client.training.stopping", "trunk": "trunk.server.stopping"}


@dataclass(frozen=True)
class Kill(Fault):
    """SIGKILL, then a restart; the client with `--resume auto`."""

    victims: Victims

    def ends(self, party: str) -> bool:
        """Return whether a party is among the killed."""
        return party in self.victims

    @property
    def kind(self) -> str:
        """What happens, as one word with its parameters."""
        return f"kill-{'-and-'.join(self.victims)}"

    @property
    def group(self) -> Group:
        """The group, by what happens to which party."""
        return KILLED.get(self.victims, "both killed")

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"kills the {' and the '.join(self.victims)}, then starts again"

    def script(self) -> Script:
        """Kill and restart; a trunk is up when it reports that it serves.

        If another fault has ended one of several victims already, those killed before it are restarted all the same.
        """
        killed: list[PartyName] = []
        in_vain: HarnessError | None = None
        for party in self.victims:
            try:
                yield KillParty(party)
            except HarnessError as error:
                in_vain = error
                break
            killed.append(party)
        if killed:
            yield Release()
        for party in reversed(killed):
            yield StartParty(party)
        if "trunk" in killed:
            yield UntilTrunkServes()
        if in_vain:
            raise in_vain

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether events show that the fault took effect."""
        return any(e.point == "process.killed" and e.party in self.victims for e in events)


@dataclass(frozen=True)
class Restart(Fault):
    """SIGTERM, as from an operator, then a restart."""

    asks_to_stop: ClassVar[bool] = True

    victim: PartyName

    def ends(self, party: str) -> bool:
        """Return whether a party is the one that is restarted."""
        return party == self.victim

    @property
    def kind(self) -> str:
        """What happens, as one word with its parameters."""
        return f"restart-{self.victim}"

    @property
    def group(self) -> Group:
        """The group, by what happens to which party."""
        return "stopped or paused"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"asks the {self.victim} to stop, then starts it again"

    def script(self) -> Script:
        """Ask it to stop, which it does once released, and then restart it."""
        yield StopParty(self.victim)
        yield Release()
        yield StartStoppedParty(self.victim, STOPPED[self.victim])
        if self.victim == "trunk":
            yield UntilTrunkServes()

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether events show that the fault took effect."""
        return any(event.point == STOPPING[self.victim] for event in events)


@dataclass(frozen=True)
class Pause(Fault):
    """SIGSTOP for a while, as when a machine swaps or a container is frozen, then SIGCONT."""

    victim: PartyName
    seconds: float

    @property
    def kind(self) -> str:
        """What happens, as one word with its parameters."""
        return f"pause-{self.victim}-{self.seconds:g}s"

    @property
    def group(self) -> Group:
        """The group, by what happens to which party."""
        return "stopped or paused"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"stops the {self.victim} for {self.seconds:g} s"

    def script(self) -> Script:
        """Pause it, and resume it after a while."""
        yield PauseParty(self.victim)
        yield Release()
        yield Wait(self.seconds)
        yield ResumeParty(self.victim)

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether events show that the fault took effect."""
        return any(e.point == "process.paused" and e.party == self.victim for e in events)


@dataclass(frozen=True)
class Absence(Fault):
    """SIGSTOP of the client until the trunk has given up its place, then SIGCONT."""

    within: float

    @property
    def kind(self) -> str:
        """What happens, as one word with its parameters."""
        return "absence-client"

    @property
    def group(self) -> Group:
        """The group, by what happens to which party."""
        return "stopped or paused"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"stops the client until the trunk has given its place up, which must be within {self.within:g} s"

    def script(self) -> Script:
        """Pause it, and resume it when its place is gone, or after a timeout."""
        yield PauseParty("client")
        yield Release()
        yield from mended_after(self._until_given_up(), [ResumeParty("client")])

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether events show that the fault took effect."""
        return any(event.point == "client.session.lost" for event in events)

    def _until_given_up(self) -> Script:
        yield Until("trunk.session.closed", within=self.within)
