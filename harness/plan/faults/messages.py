"""Single messages that are lost, duplicated, damaged, or delivered when nobody waits for them any more."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.plan.faults.damage import WORDS, Spot
from harness.plan.faults.effects import ArmMessageFault, DeliverLate, KillParty, Release, Script, StartParty, Until
from harness.plan.faults.fault import Fault, is_failed_call
from harness.plan.faults.groups import Group
from harness.plan.faults.message_rule import Kind, MessageRule
from harness.trace.event import Event

__all__ = ["CORRUPTIONS", "MESSAGE_FAILURES", "MessageFailure", "MessageFault"]

MessageFailure = Literal["lose-request", "lose-reply", "duplicate", "late", "corrupt-request", "corrupt-reply"]


@dataclass(frozen=True)
class Mechanism:
    """How a failure is made: the relay's instruction, the event by which it reports, and a description."""

    kind: Kind
    mark: str
    detail: str


MECHANISMS: dict[MessageFailure, Mechanism] = {
    "lose-request": Mechanism("lose request", "relay.request.lost", "the trunk never gets the request"),
    "lose-reply": Mechanism(
        "lose reply", "relay.reply.lost", "the trunk carries the request out, the client never hears"
    ),
    "duplicate": Mechanism("duplicate", "relay.request.doubled", "the trunk gets the request twice"),
    "late": Mechanism(
        "hold",
        "relay.request.delivered",
        "the request comes when the client was killed and its next life has opened the session",
    ),
    "corrupt-request": Mechanism("corrupt request", "relay.request.corrupted", "a bit of the request is altered"),
    "corrupt-reply": Mechanism("corrupt reply", "relay.reply.corrupted", "a bit of the reply is altered"),
}
MESSAGE_FAILURES: tuple[MessageFailure, ...] = tuple(MECHANISMS)
CORRUPTIONS = ("corrupt-request", "corrupt-reply")
# Points at which the trunk reports a request; a repeated opening is answered from memory without a point.
RECEIVED = {
    "Compute": "trunk.compute.received",
    "Backward": "trunk.backward.received",
    "GetGradients": "trunk.gradients.received",
    "SyncTrainingState": "trunk.sync.received",
}


@dataclass(frozen=True)
class MessageFault(Fault):
    """A fault of the next message of a method, once."""

    needs_relay: ClassVar[bool] = True

    failure: MessageFailure
    method: str
    spot: Spot = "middle"

    def ends(self, party: str) -> bool:
        """Return whether a new incarnation of a party is needed for its old one's message to come late."""
        return party == "client" and self.failure == "late"

    @property
    def kind(self) -> str:
        """What happens, as one word with its parameters."""
        return f"{self.failure}-{self.method}"

    @property
    def group(self) -> Group:
        """The group of message faults."""
        return "message"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        where = f" {WORDS[self.spot]}" if self.failure in CORRUPTIONS else ""
        return f"{self.method}: {MECHANISMS[self.failure].detail}{where}"

    def script(self) -> Script:
        """Arm the rule, and wait until it has been applied."""
        mechanism = MECHANISMS[self.failure]
        yield ArmMessageFault(MessageRule(self.method, mechanism.kind, self.spot))
        yield Release()
        if self.failure == "late":
            yield from self._deliver_late()
        yield Until(mechanism.mark)

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether events show that the fault took effect: the relay's report, and what client or trunk did."""
        told = [event for event in events if event.point == MECHANISMS[self.failure].mark]
        failed = [event.fields["code"] for event in events if is_failed_call(event, self.method)]
        match self.failure:
            case "lose-request" | "lose-reply":
                return bool(told and failed)
            case "duplicate":
                return any(event.fields["same"] for event in told) and self._came_twice(events)
            case "late":
                # This shows nothing unless the trunk itself has answered.
                return any(event.fields.get("reason") or event.fields.get("code") == "OK" for event in told)
            case _:
                return bool(told) and "DATA_LOSS" in failed

    def was_believed(self, events: Sequence[Event]) -> bool:
        """Return whether a message arrived damaged and no call failed: the damage was accepted."""
        told = any(event.point == MECHANISMS[self.failure].mark for event in events)
        return self.failure in CORRUPTIONS and told and not any(is_failed_call(event, self.method) for event in events)

    def was_answered_twice(self, events: Sequence[Event]) -> bool:
        """Return whether the trunk carried out a duplicate request both times, with different answers."""
        told = [event for event in events if event.point == MECHANISMS[self.failure].mark]
        return self.failure == "duplicate" and any(
            event.fields["carried_out"] and not event.fields["same"] for event in told
        )

    def _came_twice(self, events: Sequence[Event]) -> bool:
        """Return whether the trunk reports receiving a request of the method twice."""
        point = RECEIVED.get(self.method)
        came = Counter((event.step, event.microbatch) for event in events if event.point == point)
        return point is None or max(came.values(), default=0) > 1

    @staticmethod
    def _deliver_late() -> Script:
        kept = yield Until("relay.request.kept")
        yield KillParty("client")
        yield StartParty("client")
        # Not before: the client may have retried before it was killed.
        started = yield Until("process.started", {"party": "client"}, after=kept)
        # By this client: another one may open a session of its own meanwhile.
        yield Until("client.session.opened", after=started)
        yield DeliverLate()
