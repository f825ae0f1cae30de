"""Single messages that are lost, doubled, damaged, or come when nobody waits for them any more."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.plan.faults.damage import WORDS, Spot
from harness.plan.faults.effects import ArmMessageFault, DeliverLate, KillParty, Release, Script, StartParty, Until
from harness.plan.faults.fault import Fault, is_failed_call
from harness.plan.faults.groups import Group
from harness.plan.faults.message_fault import Kind, Mischief
from harness.trace.event import Event

__all__ = ["CORRUPTIONS", "MISHAPS", "Mishap", "SpoiledMessage"]

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
CORRUPTIONS = ("corrupt-request", "corrupt-reply")
# Where the trunk says that it received a request; a repeated opening is answered from memory without a word.
RECEIVED = {
    "Compute": "trunk.compute.received",
    "Backward": "trunk.backward.received",
    "GetGradients": "trunk.gradients.received",
    "SyncTrainingState": "trunk.sync.received",
}


@dataclass(frozen=True)
class SpoiledMessage(Fault):
    """The next message of a method, once."""

    mishap: Mishap
    method: str
    spot: Spot = "middle"

    @property
    def kind(self) -> str:
        """What happens, in a word, with its parameters."""
        return f"{self.mishap}-{self.method}"

    @property
    def group(self) -> Group:
        """With the others of its kind."""
        return "message"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        where = f" {WORDS[self.spot]}" if self.mishap in CORRUPTIONS else ""
        return f"{self.method}: {WAYS[self.mishap].detail}{where}"

    def script(self) -> Script:
        """Ask for it, and wait until it has happened."""
        way = WAYS[self.mishap]
        yield ArmMessageFault(Mischief(self.method, way.kind, self.spot))
        yield Release()
        if self.mishap == "late":
            yield from self._deliver_late()
        yield Until(way.mark)

    def shows(self, events: Sequence[Event]) -> bool:
        """Whether events show that the fault took effect: by the relay's word, and by what client or trunk did."""
        told = [event for event in events if event.point == WAYS[self.mishap].mark]
        failed = [event.fields["code"] for event in events if is_failed_call(event, self.method)]
        match self.mishap:
            case "lose-request" | "lose-reply":
                return bool(told and failed)
            case "duplicate":
                return any(event.fields["same"] for event in told) and self._came_twice(events)
            case "late":
                # It shows nothing unless the trunk itself has answered it.
                return any(event.fields.get("reason") or event.fields.get("code") == "OK" for event in told)
            case _:
                return bool(told) and "DATA_LOSS" in failed

    def was_believed(self, events: Sequence[Event]) -> bool:
        """Whether a message arrived damaged and no call failed of it: somebody took it for what it was not."""
        told = any(event.point == WAYS[self.mishap].mark for event in events)
        return self.mishap in CORRUPTIONS and told and not any(is_failed_call(event, self.method) for event in events)

    def was_answered_twice(self, events: Sequence[Event]) -> bool:
        """Whether the trunk carried out a request that came twice both times, and its answers differ."""
        told = [event for event in events if event.point == WAYS[self.mishap].mark]
        return self.mishap == "duplicate" and any(
            event.fields["carried_out"] and not event.fields["same"] for event in told
        )

    def _came_twice(self, events: Sequence[Event]) -> bool:
        """Whether the trunk has received a request of the method twice, where it says so."""
        point = RECEIVED.get(self.method)
        came = Counter((event.step, event.microbatch) for event in events if event.point == point)
        return point is None or max(came.values(), default=0) > 1

    @staticmethod
    def _deliver_late() -> Script:
        kept = yield Until("relay.request.kept")
        yield KillParty("client")
        yield StartParty("client")
        # Not before: the client may have asked once more before it was killed.
        started = yield Until("process.started", {"party": "client"}, after=kept)
        yield Until("trunk.session.opened", after=started)
        yield DeliverLate()
