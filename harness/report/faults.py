"""Matches planned faults with the trace."""

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass

from harness.judging.recovery import seconds_to_progress
from harness.plan.faults.groups import Group
from harness.recording.reader import RunFolder
from harness.recording.schema import EventRecord, PlannedFault, Trigger

__all__ = ["FaultSpan", "fault_spans"]

INJECTED = "fault.injected"
HEALED = "fault.healed"


@dataclass(frozen=True)
class FaultSpan:
    """One fault from injection to healing; a time of None means never.

    `recovered` is the time from the healing to the client's next progress: infinite if there was none, None if none was
    needed.
    """

    name: str
    kind: str
    group: Group
    detail: str
    due: Trigger | None
    injected: float | None
    healed: float | None
    recovered: float | None
    step: int | None
    planned: bool = True

    @property
    def fired(self) -> bool:
        """Whether the trace shows the fault being injected."""
        return self.injected is not None


def fault_spans(run: RunFolder) -> tuple[FaultSpan, ...]:
    """List every planned fault in order, then those that fired without being planned.

    A name may occur several times: the first plan is matched with the first injection of that name.
    """
    injected, healed = _by_name(run, INJECTED), _by_name(run, HEALED)
    waits = _waits(run)

    def span(fault: PlannedFault, *, planned: bool) -> FaultSpan:
        name = fault.name
        start = injected[name].popleft() if injected[name] else None
        end = healed[name].popleft() if start and healed[name] else None
        return FaultSpan(
            name=name,
            kind=fault.kind or name,
            group=fault.group,
            detail=_as_text(fault.detail),
            due=fault.at,
            injected=start.t if start else None,
            healed=end.t if end else None,
            recovered=waits[end.t] if end else None,
            step=start.step if start else None,
            planned=planned,
        )

    spans = [span(fault, planned=True) for fault in run.scenario.faults]
    surplus = [name for name, events in injected.items() for _ in events]
    return (*spans, *(span(PlannedFault(name), planned=False) for name in surplus))


def _by_name(run: RunFolder, point: str) -> defaultdict[str, deque[EventRecord]]:
    events: defaultdict[str, deque[EventRecord]] = defaultdict(deque)
    for event in run.trace:
        if event.source == "harness" and event.point == point:
            events[event.fault or "unnamed"].append(event)
    return events


def _waits(run: RunFolder) -> dict[float, float | None]:
    """Return the time to the client's next progress for every healing."""
    times = [event.t for event in run.trace if event.source == "harness" and event.point == HEALED]
    passed = ((event.t, event.point) for event in run.trace)
    return dict(zip(times, seconds_to_progress(passed, times), strict=True))


def _as_text(detail: str | Mapping[str, object] | None) -> str:
    if isinstance(detail, Mapping):
        return ", ".join(f"{key} {value}" for key, value in detail.items())
    return detail or ""
