"""Single messages that are lost, doubled, damaged, or come when nobody waits for them any more."""

from dataclasses import dataclass
from typing import Literal

from harness.faults.fault import NOTICE_TIMEOUT, named
from harness.observer import At, Event
from harness.relay import Kind, Mischief
from harness.world import World

__all__ = ["MISHAPS", "Mishap", "SpoiledMessage"]

Mishap = Literal["lose-request", "lose-reply", "duplicate", "late", "corrupt-request", "corrupt-reply"]


@dataclass(frozen=True)
class Way:
    """How a mishap comes about: what the relay is asked for, the event that shows it, and words."""

    kind: Kind
    mark: str
    detail: str


WAYS: dict[Mishap, Way] = {
    "lose-request": Way("lose request", "relay.request.lost", "the trunk never gets the request"),
    "lose-reply": Way("lose reply", "relay.reply.lost", "the trunk carries the request out, the client never hears"),
    "duplicate": Way("duplicate", "relay.request.doubled", "the trunk gets the request twice"),
    "late": Way(
        "hold",
        "relay.request.delivered",
        "the request comes when the client was killed and its next life has opened the session",
    ),
    "corrupt-request": Way("corrupt request", "relay.request.corrupted", "a byte of the request's tensor is altered"),
    "corrupt-reply": Way("corrupt reply", "relay.reply.corrupted", "a byte of the reply's tensor is altered"),
}
MISHAPS: tuple[Mishap, ...] = tuple(WAYS)


@dataclass(frozen=True)
class SpoiledMessage:
    """The next message of a method, once."""

    at: At
    mishap: Mishap
    method: str

    @property
    def name(self) -> str:
        """Short name for reports."""
        return named(f"{self.mishap}-{self.method}", self.at)

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"{self.method}: {WAYS[self.mishap].detail}"

    def inject(self, world: World) -> None:
        """Ask the relay for it."""
        world.relay.arm(Mischief(self.method, WAYS[self.mishap].kind))

    def heal(self, world: World, since: Event) -> None:
        """Wait until it has happened."""
        if self.mishap == "late":
            self._deliver_late(world, since)
        world.wait_for(WAYS[self.mishap].mark, since, NOTICE_TIMEOUT)

    def is_mark(self, event: Event) -> bool:
        """Whether an event shows that the fault took effect."""
        # A late request shows nothing unless the trunk itself has answered it.
        answered = self.mishap != "late" or bool(event.fields.get("reason")) or event.fields.get("code") == "OK"
        return event.point == WAYS[self.mishap].mark and answered

    @staticmethod
    def _deliver_late(world: World, since: Event) -> None:
        kept = world.wait_for("relay.request.kept", since, NOTICE_TIMEOUT)
        world.parties["client"].kill()
        world.parties["client"].start()
        world.wait_for("trunk.session.opened", kept, NOTICE_TIMEOUT)
        world.relay.deliver_late()
