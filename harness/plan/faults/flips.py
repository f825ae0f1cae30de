"""Single bits of HTTP/2 that are altered on their way, wherever they stand."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.plan.faults.effects import ArmFlip, Disconnect, Reconnect, Release, Script, Until
from harness.plan.faults.fault import Fault
from harness.plan.faults.flip import Flip, Part
from harness.plan.faults.groups import Group
from harness.plan.faults.toxic import Stream
from harness.trace.event import Event

__all__ = ["FlippedStream"]

MARK = "relay.bit.flipped"
# What stands at a connection's beginning only.
AT_FIRST: tuple[Part, ...] = ("preface", "settings")


@dataclass(frozen=True)
class FlippedStream(Fault):
    """One bit of the stream of bytes is another when it arrives, once.

    It may break a message, a call, the connection, or nothing: that the altered byte was passed on is all that the
    relay knows, and all that is claimed.

    Attributes:
        at: from where on.
        stream: direction.
        part: of HTTP/2, the next that comes; "anywhere" is within the next bytes of any kind.
        seed: which bit of it.
    """

    stream: Stream
    part: Part = "anywhere"
    seed: int = 0

    @property
    def kind(self) -> str:
        """What happens, in a word, with its parameters."""
        return f"flip-{self.stream}-{self.part.replace(' ', '-')}-{self.seed}"

    @property
    def group(self) -> Group:
        """A group of its own."""
        return "altered bits"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        where = "some byte" if self.part == "anywhere" else f"the next {self.part}"
        return f"alters a bit of {where} {self.stream}"

    def script(self) -> Script:
        """Ask for it, and wait until it has happened; what stands only at a connection's beginning needs a new one."""
        yield ArmFlip(Flip(self.name, self.stream, self.part, self.seed))
        if self.part in AT_FIRST:
            yield Disconnect()
            yield Reconnect()
        yield Release()
        yield Until(MARK, {"fault": self.name})

    def shows(self, events: Sequence[Event]) -> bool:
        """Whether the relay says that the altered byte was passed on."""
        return any(event.point == MARK and event.fields["fault"] == self.name for event in events)
