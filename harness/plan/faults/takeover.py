"""A client that only hung, and goes on beside the one that was started in its place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.plan.faults.effects import Release, ResumeSuperseded, Script, Supersede, Wait
from harness.plan.faults.fault import Fault
from harness.plan.faults.groups import Group
from harness.trace.event import Event

__all__ = ["TakeOver"]


@dataclass(frozen=True)
class TakeOver(Fault):
    """A client is paused, and another is started in its place, on the same disk; later the first one continues.

    Attributes:
        seconds: until it continues, unless the run ends before.
    """

    needs_simulation: ClassVar[bool] = True

    seconds: float

    def ends(self, party: str) -> bool:
        """Return whether a party is the one that another process takes the place of."""
        return party == "client"

    @property
    def kind(self) -> str:
        """What happens, as one word with its parameters."""
        return f"take-over-{self.seconds:g}s"

    @property
    def group(self) -> Group:
        """The group, by what happens to which party."""
        return "stopped or paused"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return (
            f"pauses the client, starts another in its place, and lets the first one continue after {self.seconds:g} s"
        )

    def script(self) -> Script:
        """Supersede the client's process, and let it continue when its successor has had some time."""
        yield Supersede("client")
        yield Release()
        yield Wait(self.seconds)
        yield ResumeSuperseded("client")

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether the events show that another process was started."""
        return any(event.point == "process.superseded" for event in events)
