"""Programs that are killed, paused, or asked to stop, and that start again."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.events import At, Event
from harness.faults.fault import NOTICE_TIMEOUT, named
from harness.world import World

__all__ = ["PARTIES", "VICTIMS", "Kill", "PartyName", "Pause", "Restart", "Victims"]

PartyName = Literal["client", "trunk"]
PARTIES: tuple[PartyName, ...] = ("client", "trunk")
Victims = tuple[PartyName, ...]
VICTIMS: tuple[Victims, ...] = (("client",), ("trunk",), ("client", "trunk"))
# What each program's exit status is when it stops because it was asked to.
STOPPED = {"client": 128 + signal.SIGTERM, "trunk": 0}
STOPPING = {"client": "client.training.stopping", "trunk": "trunk.server.stopping"}


@dataclass(frozen=True)
class Kill:
    """SIGKILL, then a new start; the client with `--resume auto`."""

    at: At
    victims: Victims

    @property
    def name(self) -> str:
        """Short name for reports."""
        return named(f"kill-{'-and-'.join(self.victims)}", self.at)

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"kills the {' and the '.join(self.victims)}, then starts again"

    def inject(self, world: World) -> None:
        """Break it."""
        for name in self.victims:
            world.parties[name].kill()

    def heal(self, world: World, since: Event) -> None:
        """Start again; a trunk is there when it says so."""
        for name in reversed(self.victims):
            world.parties[name].start()
        if "trunk" in self.victims:
            world.wait_for_trunk(since, NOTICE_TIMEOUT)

    def shows(self, events: Sequence[Event]) -> bool:
        """Whether events show that the fault took effect."""
        return any(e.point == "process.killed" and e.fields["party"] in self.victims for e in events)


@dataclass(frozen=True)
class Restart:
    """SIGTERM, as an operator would, then a new start."""

    at: At
    victim: PartyName

    @property
    def name(self) -> str:
        """Short name for reports."""
        return named(f"restart-{self.victim}", self.at)

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"asks the {self.victim} to stop, then starts it again"

    def inject(self, world: World) -> None:
        """Break it; the process stops when it is no longer held."""
        world.parties[self.victim].ask_to_stop()

    def heal(self, world: World, since: Event) -> None:
        """Start again when it has stopped."""
        world.parties[self.victim].start_when_stopped(STOPPED[self.victim])
        if self.victim == "trunk":
            world.wait_for_trunk(since, NOTICE_TIMEOUT)

    def shows(self, events: Sequence[Event]) -> bool:
        """Whether events show that the fault took effect."""
        return any(event.point == STOPPING[self.victim] for event in events)


@dataclass(frozen=True)
class Pause:
    """SIGSTOP for a while, as when a machine swaps or a container is frozen; then SIGCONT."""

    at: At
    victim: PartyName
    seconds: float

    @property
    def name(self) -> str:
        """Short name for reports."""
        return named(f"pause-{self.victim}-{self.seconds:g}s", self.at)

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"stops the {self.victim} for {self.seconds:g} s"

    def inject(self, world: World) -> None:
        """Break it."""
        world.parties[self.victim].pause()

    def heal(self, world: World, since: Event) -> None:
        """Let it go on."""
        world.let_pass(self.seconds)
        world.parties[self.victim].go_on()

    def shows(self, events: Sequence[Event]) -> bool:
        """Whether events show that the fault took effect."""
        return any(e.point == "process.paused" and e.fields["party"] == self.victim for e in events)
