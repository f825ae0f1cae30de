"""Chrome's trace event format, which ui.perfetto.dev and chrome://tracing open.

The format is the Chromium project's "Trace Event Format", in its JSON object form. Times are whole microseconds since
the run's start.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Json", "Slice", "TraceEvents"]

Json = dict[str, object]
MICROSECONDS = 1e6


@dataclass(frozen=True)
class Slice:
    """A slice of a track: where arrows can begin and end."""

    track: Mapping[str, int]
    ts: int
    events: list[Json] = field(compare=False)


class TraceEvents:
    """Collects what is shown, and numbers processes, tracks and arrows in the order in which they are first named.

    Args:
        order: first words of tracks' names, in the order in which those of a process are shown; others come last.
    """

    def __init__(self, order: Sequence[str]) -> None:
        self._order = order
        self._processes: dict[str, int] = {}
        self._tracks: dict[tuple[str, str], int] = {}
        # Each group's first event has the group's time; arrows directly follow the slice to which they are tied.
        self._groups: list[list[Json]] = []
        self._arrows = 0

    def process(self, name: str) -> int:
        """Return the number of a process."""
        return self._processes.setdefault(name, len(self._processes) + 1)

    def track(self, process: str, name: str) -> Mapping[str, int]:
        """Return the numbers of a process and its track."""
        pid = self.process(process)
        return {"pid": pid, "tid": self._tracks.setdefault((process, name), len(self._tracks) + 1)}

    def slice(self, process: str, track: str, name: str, began: float, until: float, args: Json) -> Slice:
        """Add something that lasts; slices of one track must not overlap. Times are seconds."""
        ids, ts = self.track(process, track), _microseconds(began)
        events: list[Json] = [
            {"ph": "X", "name": name, **ids, "ts": ts, "dur": _microseconds(until) - ts, "args": args}
        ]
        self._groups.append(events)
        return Slice(ids, ts, events)

    def arrow(self, name: str, slices: Sequence[Slice]) -> None:
        """Draw an arrow through two or more slices, in this order."""
        self._arrows += 1
        phases = ["s", *("t" for _ in slices[2:]), "f"]
        for phase, place in zip(phases, slices, strict=True):
            end = {"bp": "e"} if phase == "f" else {}
            place.events.append(
                {"ph": phase, "id": self._arrows, "name": name, "cat": "rpc", **place.track, "ts": place.ts, **end}
            )

    def instant(self, process: str, track: str, name: str, t: float, args: Json) -> None:
        """Add something that happens at a moment, in seconds."""
        ids = self.track(process, track)
        self._groups.append([{"ph": "i", "s": "t", "name": name, **ids, "ts": _microseconds(t), "args": args}])

    def count(self, process: str, name: str, t: float, value: int) -> None:
        """Set a counter of a process to a value from a moment on, in seconds."""
        pid = self.process(process)
        self._groups.append([{"ph": "C", "name": name, "pid": pid, "ts": _microseconds(t), "args": {"value": value}}])

    def as_json(self, about: Json) -> Json:
        """Return the whole file, with some facts about the run."""
        groups = sorted(self._groups, key=lambda events: _ts(events[0]))
        events = [event for group in groups for event in group]
        return {"traceEvents": [*self._names(), *events], "displayTimeUnit": "ms", "otherData": about}

    def _names(self) -> list[Json]:
        named: list[Json] = []
        for process, pid in self._processes.items():
            named += _named("process", {"pid": pid}, process, pid)
        for (process, track), tid in self._tracks.items():
            named += _named("thread", {"pid": self._processes[process], "tid": tid}, track, self._place(track))
        return named

    def _place(self, track: str) -> int:
        first, _, _ = track.partition(" ")
        return self._order.index(first) if first in self._order else len(self._order)


def _named(what: str, ids: Mapping[str, int], name: str, position: int) -> list[Json]:
    return [
        {"ph": "M", "name": f"{what}_name", **ids, "args": {"name": name}},
        {"ph": "M", "name": f"{what}_sort_index", **ids, "args": {"sort_index": position}},
    ]


def _microseconds(seconds: float) -> int:
    return round(seconds * MICROSECONDS)


def _ts(event: Json) -> int:
    ts = event["ts"]
    assert isinstance(ts, int)
    return ts
