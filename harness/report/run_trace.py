"""A run as trace events: tracks for what every party did, arrows for calls, marks for faults."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from harness.recording.reader import RunFolder
from harness.recording.schema import EventRecord
from harness.report.activities import MOMENTS, activities
from harness.report.adversaries import adversary_spans
from harness.report.calls import Call, calls
from harness.report.chronicle import chronicle
from harness.report.faults import fault_spans
from harness.report.lives import lives, steps_done
from harness.report.trace_events import Json, Slice, TraceEvents

__all__ = ["run_trace", "write_trace"]

# The process of everything that is no party's.
BETWEEN = "network and harness"
# First words of tracks, in the order in which those of a party are shown.
ORDER = (
    "events", "process", "step", "forward", "top", "compute", "backward", "waiting", "commit", "checkpoint", "session",
    "recovery", "queue", "faults",
)  # fmt: skip


@dataclass(frozen=True)
class _Span:
    """Something that lasts, in seconds since the run's start."""

    name: str
    began: float
    until: float
    args: Json


@dataclass(frozen=True)
class _Drawn:
    """The slices of activities, by the positions in the trace of the events that begin and end them."""

    beginning: dict[int, Slice]
    ending: dict[int, Slice]


def write_trace(run: RunFolder, file: Path) -> Path:
    """Write a run's trace events; raises `OSError`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(run_trace(run), separators=(",", ":"), allow_nan=False) + "\n")
    return file


def run_trace(run: RunFolder) -> Json:
    """Return a run as one JSON object in the trace event format."""
    events = TraceEvents(ORDER)
    for party in (*_parties(run), BETWEEN):
        events.process(party)
    _draw_processes(run, events)
    _draw_calls(run, events, _draw_activities(run, events))
    _draw_faults(run, events)
    _mark_moments(run, events)
    return events.as_json({"run": run.scenario.name, "verdict": run.verdict.verdict})


def _parties(run: RunFolder) -> list[str]:
    return sorted({event.party for event in run.trace if event.party})


def _draw_processes(run: RunFolder, events: TraceEvents) -> None:
    for life in lives(run):
        events.slice(life.party, "process", "Running", life.began, life.until, _told(life.end))
    for party in _parties(run):
        for step in steps_done(run, party):
            again = " again" if step.again else ""
            events.slice(party, "step", f"Step {step.step}{again}", step.began, step.until, {"step": step.step})


def _draw_activities(run: RunFolder, events: TraceEvents) -> _Drawn:
    drawn = _Drawn({}, {})
    for found in activities(run):
        first, last = run.trace[found.first], run.trace[found.last]
        slice_ = events.slice(found.party, found.track, found.name, first.t, last.t, _told(last))
        drawn.beginning[found.first] = drawn.ending[found.last] = slice_
    return drawn


def _draw_calls(run: RunFolder, events: TraceEvents, drawn: _Drawn) -> None:
    """Draw every call as an arrow, as a request that waits to be served, and in its client's number of calls."""
    made = calls(run)
    for call in made:
        passed = [drawn.beginning.get(call.sending), *(drawn.ending.get(position) for position in call.replying)]
        passed += [drawn.beginning.get(call.ended)] if call.answered and call.ended is not None else []
        slices = [found for found in passed if found]
        if len(slices) > 1:
            events.arrow(call.method, slices)
    _draw_side_by_side(events, "trunk", "queue", [_queued(run, call) for call in made if call.received])
    for client in sorted({call.client for call in made}):
        _count(run, events, client, [call for call in made if call.client == client])


def _queued(run: RunFolder, call: Call) -> _Span:
    sent, received = run.trace[call.sending], run.trace[call.received[0]]
    what = f"{call.method}: encoding, on its way or queued"
    return _Span(what, sent.t, received.t, {"client": call.client, **_told(sent)})


def _count(run: RunFolder, events: TraceEvents, client: str, made: Iterable[Call]) -> None:
    changes: dict[int, int] = {}
    for call in made:
        changes[call.sending] = changes.get(call.sending, 0) + 1
        if call.ended is not None:
            changes[call.ended] = changes.get(call.ended, 0) - 1
    flying = 0
    for position in sorted(changes):
        flying += changes[position]
        events.count(client, "calls in flight", run.trace[position].t, flying)


def _draw_faults(run: RunFolder, events: TraceEvents) -> None:
    end = max((event.t for event in run.trace), default=0.0)
    faults = fault_spans(run)
    times = [(fault.name, fault.injected, fault.healed) for fault in faults]
    times += [(adversary.name, adversary.began, adversary.ended) for adversary in adversary_spans(run)]
    lasting = [
        _Span(name, began, end if until is None else until, {}) for name, began, until in times if began is not None
    ]
    _draw_side_by_side(events, BETWEEN, "faults", lasting)
    recovering = [
        _Span(f"After {fault.name}", fault.healed, fault.healed + fault.recovered, {})
        for fault in faults
        if fault.healed is not None and fault.recovered is not None and isfinite(fault.recovered)
    ]
    _draw_side_by_side(events, "client", "recovery", recovering)


def _mark_moments(run: RunFolder, events: TraceEvents) -> None:
    parties = _parties(run)
    for told in chronicle(run):
        process, track = (told.who, "events") if told.who in parties else (BETWEEN, told.who)
        events.instant(process, track, told.what, told.t, {} if told.fault is None else {"fault": told.fault})
    for event in run.trace:
        if event.point in MOMENTS:
            events.instant(event.party, "events", event.point, event.t, _told(event))
        elif event.source == "proxy":
            events.instant(BETWEEN, "proxy", event.point, event.t, _told(event))


def _draw_side_by_side(events: TraceEvents, process: str, track: str, spans: Iterable[_Span]) -> None:
    """Draw spans that may overlap, each on the first track where it does not."""
    free_from: list[float] = []
    for span in sorted(spans, key=lambda span: span.began):
        lane = next((lane for lane, free in enumerate(free_from) if free <= span.began), len(free_from))
        free_from[lane : lane + 1] = [span.until]
        name = track if lane == 0 else f"{track} {lane + 1}"
        events.slice(process, name, span.name, span.began, span.until, span.args)


def _told(event: EventRecord | None) -> Json:
    """Return what an event tells besides its time, party and point."""
    if event is None:
        return {}
    told = {"step": event.step, "microbatch": event.microbatch, "method": event.method, "end": event.point}
    return {name: value for name, value in told.items() if value is not None}
