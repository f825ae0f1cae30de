"""Single bits altered in transit, anywhere in HTTP/2."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.plan.faults.effects import ArmFlip, Disconnect, Reconnect, Release, Script, Until
from harness.plan.faults.fault import Fault
from harness.plan.faults.flip import Flip, Part
from harness.plan.faults.groups import Group
from harness.plan.faults.toxic import Stream
from harness.trace.event import Event

__all__ = ["FlippedStream"]

MARK = "relay.bit.flipped"
# Parts that occur only at the beginning of a connection.
AT_FIRST: tuple[Part, ...] = ("preface", "settings")


@dataclass(frozen=True)
class FlippedStream(Fault):
    """One bit of the byte stream is altered in transit, once.

    It may break a message, a call, the connection, or nothing: the relay knows only that the altered byte was passed
    on, and nothing more is claimed.

    Attributes:
        at: from which place on.
        stream: direction.
        part: kind of HTTP/2 part, the next one of which is meant; "anywhere" means the next bytes of any kind.
        seed: decides which bit.
    """

    needs_flipper: ClassVar[bool] = True

    stream: Stream
    part: Part = "anywhere"
    seed: int = 0

    @property
    def kind(self) -> str:
        """What happens, as one word with its parameters."""
        return f"flip-{self.stream}-{self.part.replace(' ', '-')}-{self.seed}"

    @property
    def group(self) -> Group:
        """A separate group."""
        return "altered bits"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        where = "some byte" if self.part == "anywhere" else f"the next {self.part}"
        return f"alters a bit of {where} {self.stream}"

    def script(self) -> Script:
        """Arm the flip and wait for it; parts at the beginning of a connection need a new connection."""
        yield ArmFlip(Flip(self.name, self.stream, self.part, self.seed))
        if self.part in AT_FIRST:
            yield Disconnect()
            yield Reconnect()
        yield Release()
        yield Until(MARK, {"fault": self.name})

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether the relay reports that the altered byte was passed on."""
        return any(event.point == MARK and event.fields["fault"] == self.name for event in events)
