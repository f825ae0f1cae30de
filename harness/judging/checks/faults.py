"""Every planned fault happened, left a mark and was healed; what it damaged or duplicated did no harm."""

import math
from collections.abc import Iterator, Mapping, Sequence

from harness.judging.check import register_check
from harness.judging.facts import RunFacts
from harness.plan.faults import SHARED_MARKS, Fault, MessageFault
from harness.trace.event import Event
from harness.trace.verdict import CheckResult, Finding

__all__ = ["check_faults"]


@register_check
def check_faults(facts: RunFacts) -> CheckResult:
    """Look for each planned fault's mark; VOID if one did not fire or left none, since the run then shows too little.

    FAIL if a damaged message was accepted, or a duplicate request got two answers. N/A if no fault was planned.
    """
    planned = facts.scenario.faults
    if not planned:
        return CheckResult("faults", 0, "none were planned", applies=False)
    fired = {event.fields["fault"]: event for event in facts.events if event.point == "fault.injected"}
    unmarked = [f.name for f in planned if f.name in fired and not f.shows(_own(f, fired, facts.events_of_all))]
    findings = [
        finding
        for fault in planned
        if isinstance(fault, MessageFault) and fault.name in fired
        for finding in _wrong(fault, [e for e in facts.events if e.number > int(fired[fault.name].fields["held"])])
    ]
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
    return CheckResult("faults", len(planned), summary, findings, figures, void_because="; ".join(problems))


def _wrong(fault: MessageFault, events: Sequence[Event]) -> Iterator[Finding]:
    if fault.was_believed(events):
        yield Finding(f"a damaged message was believed: {fault.name}")
    if fault.was_answered_twice(events):
        yield Finding(f"a request that came twice got two different answers: {fault.name}")


def _own(fault: Fault, fired: Mapping[str, Event], events: Sequence[Event]) -> list[Event]:
    """Return the events that may be evidence of one fault: the other side may notice before the injection is recorded.

    Evidence that another fault could have caused counts only until the next fault's place; other evidence until this
    one's healing, if that is later.
    """
    since = int(fired[fault.name].fields["held"])
    later = (int(event.fields["held"]) for event in fired.values())
    following = min((held for held in later if held > since), default=math.inf)
    healed = (e.number for e in events if e.point == "fault.healed" and e.fields["fault"] == fault.name)
    until = max(following, next(healed, -1))
    return [e for e in events if since < e.number <= (following if e.point in SHARED_MARKS else until)]


def _reasons(events: Sequence[Event], point: str) -> list[str]:
    return [str(event.fields["reason"]) for event in events if event.point == point]
