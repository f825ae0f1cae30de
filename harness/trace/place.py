"""Places in a run."""

from dataclasses import dataclass

from harness.trace.event import Event

__all__ = ["At", "AtAny"]


@dataclass(frozen=True)
class At:
    """A place in a run: the n-th passing of a named point, at a step and microbatch; None matches any.

    If several parties have one role, the place is that of the party whose name is the role.
    """

    point: str
    step: int | None = None
    microbatch: int | None = None
    occurrence: int = 1

    @property
    def source(self) -> str:
        """The role of the process that passes the point, and the party's name."""
        return self.point.partition(".")[0]

    def matches(self, event: Event) -> bool:
        """Return whether an event is at this place."""
        mine = event.source != self.source or event.party in ("", self.source)  # a relay is no party
        return mine and self.covers(event.point, event.step, event.microbatch)

    def covers(self, point: str, step: int | None, microbatch: int | None) -> bool:
        """Return whether a point passed at a step and microbatch is at this place."""
        return point == self.point and self.step in (None, step) and self.microbatch in (None, microbatch)

    def __str__(self) -> str:
        """Return the place in words."""
        step = "" if self.step is None else f" of step {self.step}"
        microbatch = "" if self.microbatch is None else f", microbatch {self.microbatch}"
        return self.point + step + microbatch + ("" if self.occurrence == 1 else f", time {self.occurrence}")


class AtAny(At):
    """The same place, of any party of the role: of any client, for example."""

    def matches(self, event: Event) -> bool:
        """Return whether an event is at this place."""
        return self.covers(event.point, event.step, event.microbatch)
