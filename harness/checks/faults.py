"""Every planned fault happened, left a mark, and was healed."""

import math
from collections.abc import Mapping, Sequence

from harness.events import Event
from harness.facts import RunFacts
from harness.faults import SHARED_MARKS, Fault
from harness.verdict import CheckResult

__all__ = ["check_faults"]


def check_faults(facts: RunFacts) -> CheckResult:
    """VOID where a fault did not fire or left no mark: the run has then not shown what it was meant to."""
    planned = facts.scenario.faults
    if not planned:
        return CheckResult("faults", 1, "none were planned")
    fired = {event.fields["fault"]: event for event in facts.events if event.point == "fault.injected"}
    unmarked = [fault.name for fault in planned if fault.name in fired and not _shows(fault, fired, facts.events)]
    healed = {event.fields["fault"] for event in facts.events if event.point in ("fault.healed", "fault.unhealed")}
    told = {point: _reasons(facts.events, point) for point in ("fault.failed", "fault.unhealed")}
    problems = [
        *(f"{fault.name} did not fire" for fault in planned if fault.name not in fired),
        *(f"{name} left no mark" for name in unmarked),
        *(f"{name} was never healed" for name in fired if name not in healed),
        *(f"not injected: {reason}" for reason in told["fault.failed"]),
        *(f"not healed: {reason}" for reason in told["fault.unhealed"]),
    ]
    summary = f"{len(fired)} of {len(planned)} planned faults fired"
    figures = {"planned": len(planned), "fired": len(fired), "failed calls": facts.count("client.call.failed")}
    return CheckResult("faults", len(planned), summary, (), figures, void_because="; ".join(problems))


def _shows(fault: Fault, fired: Mapping[str, Event], events: Sequence[Event]) -> bool:
    """Look from the passing of the point on: the other side may notice before the injection is noted.

    What another fault could have caused too counts only until the next fault's place, the rest until this one's healing
    where that comes later.
    """
    since = int(fired[fault.name].fields["held"])
    later = (int(event.fields["held"]) for event in fired.values())
    following = min((held for held in later if held > since), default=math.inf)
    healed = (e.number for e in events if e.point == "fault.healed" and e.fields["fault"] == fault.name)
    until = max(following, next(healed, -1))
    own = [e for e in events if since < e.number <= (following if e.point in SHARED_MARKS else until)]
    return fault.shows(own)


def _reasons(events: Sequence[Event], point: str) -> list[str]:
    return [str(event.fields["reason"]) for event in events if event.point == point]
