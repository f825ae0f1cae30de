"""Requests that a later step overtakes, in the simulated world."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.plan.faults.effects import ArmMessageFault, DeliverLate, Release, Script, Until
from harness.plan.faults.fault import Fault
from harness.plan.faults.groups import Group
from harness.plan.faults.message_rule import MessageRule
from harness.trace.event import Event

__all__ = ["OvertakenRequest"]

DELIVERED = "relay.request.delivered"


@dataclass(frozen=True)
class OvertakenRequest(Fault):
    """The next request of a method is held back; its client sends it again, and goes on, before it arrives after all.

    Unlike a late request of `MessageFault`, it is of the incarnation that is heeded: only its step is over.
    """

    needs_relay: ClassVar[bool] = True
    needs_simulation: ClassVar[bool] = True

    method: str

    @property
    def kind(self) -> str:
        """What happens, as one word with its parameters."""
        return f"overtaken-{self.method}"

    @property
    def group(self) -> Group:
        """The group of message faults."""
        return "message"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"{self.method}: the request is repeated, and comes when the trunk has applied the next commit"

    def script(self) -> Script:
        """Hold the request back until the trunk has applied the next commit that the client decides on."""
        yield ArmMessageFault(MessageRule(self.method, "hold"))
        yield Release()
        kept = yield Until("relay.request.kept")
        decided = yield Until("client.commit.applied", after=kept)
        yield Until("trunk.commit.applied", after=decided)
        yield DeliverLate()
        yield Until(DELIVERED)

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether the trunk itself has answered the request that came late."""
        late = [event for event in events if event.point == DELIVERED]
        return any(event.fields.get("reason") or event.fields.get("code") == "OK" for event in late)
