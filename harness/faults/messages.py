"""Single messages that are lost, doubled, damaged, or come when nobody waits for them any more."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.events import At, Event
from harness.faults.fault import NOTICE_TIMEOUT, is_failed_call, named
from harness.relay import Kind, Mischief
from harness.world import World

__all__ = ["MISHAPS", "Mishap", "SpoiledMessage"]

Mishap = Literal["lose-request", "lose-reply", "duplicate", "late", "corrupt-request", "corrupt-reply"]


@dataclass(frozen=True)
class Way:
    """How a mishap comes about: what the relay is asked for, the event by which it tells, and words."""

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
    "corrupt-request": Way("corrupt request", "relay.request.corrupted", "a bit of the request is altered"),
    "corrupt-reply": Way("corrupt reply", "relay.reply.corrupted", "a bit of the reply is altered"),
}
MISHAPS: tuple[Mishap, ...] = tuple(WAYS)
# Where the trunk says that it received a request; a repeated opening is answered from memory without a word.
RECEIVED = {
    "Compute": "trunk.compute.received",
    "Backward": "trunk.backward.received",
    "GetGradients": "trunk.gradients.received",
    "SyncTrainingState": "trunk.sync.received",
}


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

    def shows(self, events: Sequence[Event]) -> bool:
        """Whether events show that the fault took effect: by the relay's word, and by what client or trunk did."""
        told = [event for event in events if event.point == WAYS[self.mishap].mark]
        failed = [event.fields["code"] for event in events if is_failed_call(event, self.method)]
        match self.mishap:
            case "lose-request" | "lose-reply":
                return bool(told and failed)
            case "corrupt-request" | "corrupt-reply":
                return bool(told) and "DATA_LOSS" in failed
            case "duplicate":
                return any(event.fields["same"] for event in told) and self._came_twice(events)
            case "late":
                # It shows nothing unless the trunk itself has answered it.
                return any(event.fields.get("reason") or event.fields.get("code") == "OK" for event in told)

    def _came_twice(self, events: Sequence[Event]) -> bool:
        """Whether the trunk has received a request of the method twice, where it says so."""
        point = RECEIVED.get(self.method)
        came = Counter((event.step, event.microbatch) for event in events if event.point == point)
        return point is None or max(came.values(), default=0) > 1

    @staticmethod
    def _deliver_late(world: World, since: Event) -> None:
        kept = world.wait_for("relay.request.kept", since, NOTICE_TIMEOUT)
        world.parties["client"].kill()
        world.parties["client"].start()
        # Not before: the client may have asked once more before it was killed.
        started = world.wait_for("process.started", kept, NOTICE_TIMEOUT, party="client")
        world.wait_for("trunk.session.opened", started, NOTICE_TIMEOUT)
        world.relay.deliver_late()
