"""What processes and the harness say of a run, and the places in it that are meant."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["At", "Event"]


@dataclass(frozen=True)
class At:
    """A place in a run: a named point, at a step and microbatch, where None matches any, the n-th time."""

    point: str
    step: int | None = None
    microbatch: int | None = None
    occurrence: int = 1

    @property
    def source(self) -> str:
        """The process that passes the point."""
        return self.point.partition(".")[0]

    def matches(self, event: "Event") -> bool:
        """Whether an event is at this place."""
        return self.covers(event.point, event.step, event.microbatch)

    def covers(self, point: str, step: int | None, microbatch: int | None) -> bool:
        """Whether a point passed at a step and microbatch is at this place."""
        return point == self.point and self.step in (None, step) and self.microbatch in (None, microbatch)

    def __str__(self) -> str:
        """Give the place in words."""
        step = "" if self.step is None else f" of step {self.step}"
        microbatch = "" if self.microbatch is None else f", microbatch {self.microbatch}"
        return self.point + step + microbatch + ("" if self.occurrence == 1 else f", time {self.occurrence}")


@dataclass(frozen=True)
class Event:
    """A point that was passed.

    Attributes:
        number: position in the order of arrival.
        t: seconds since the run began.
        source: client, trunk, proxy or harness.
        point: name of the point.
        step: optimizer step, where the point has one.
        microbatch: microbatch, where the point has one.
        fields: whatever else the point tells.
        release: lets the process go on; None when it was not held.
    """

    number: int
    t: float
    source: str
    point: str
    step: int | None
    microbatch: int | None
    fields: Mapping[str, Any]
    release: Callable[[], None] | None = field(default=None, compare=False)

    def as_json(self) -> dict[str, object]:
        """Give the event as it stands in the trace."""
        plain = {"t": round(self.t, 6), "source": self.source, "point": self.point}
        return {**plain, "step": self.step, "microbatch": self.microbatch, **self.fields}
