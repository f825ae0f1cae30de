"""An event of a run, reported by a process or the harness."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Event"]


@dataclass(frozen=True)
class Event:
    """A point that was passed.

    Attributes:
        number: position in the order of arrival.
        t: seconds since the run began.
        source: role of the reporting program: client, trunk, proxy or harness.
        party: the party that it concerns: client, client-2 or trunk; empty if it concerns none.
        point: name of the point.
        step: optimizer step, if the point has one.
        microbatch: microbatch, if the point has one.
        fields: whatever else the point reports.
        release: releases the process; None if it was not held.
    """

    number: int
    t: float
    source: str
    party: str
    point: str
    step: int | None
    microbatch: int | None
    fields: Mapping[str, Any]
    release: Callable[[], None] | None = field(default=None, compare=False)

    def tells(self, fields: Mapping[str, object]) -> bool:
        """Return whether it tells all of these, of which the party may be one."""
        return fields.items() <= {**self.fields, "party": self.party}.items()

    def as_json(self) -> dict[str, object]:
        """Return the event as it is written to the trace."""
        whose = {"party": self.party} if self.party else {}
        plain = {"t": round(self.t, 6), "source": self.source, **whose, "point": self.point}
        return {**plain, "step": self.step, "microbatch": self.microbatch, **self.fields}
