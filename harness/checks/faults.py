"""Every planned fault happened, left a mark, and was healed."""

import math
from itertools import pairwise

from harness.facts import RunFacts
from harness.observer import Event
from harness.verdict import CheckResult

__all__ = ["check_faults"]

# What shows that the system noticed: a call failed, or the connection was lost.
LOST = ("IDLE", "TRANSIENT_FAILURE")


def check_faults(facts: RunFacts) -> CheckResult:
    """VOID where a fault did not fire or left no mark: the run has then not shown what it was meant to.

    A mark belongs to the newest fault before it.
    """
    planned = [fault.name for fault in facts.scenario.faults]
    if not planned:
        return CheckResult("faults", 1, "none were planned")
    injected = [event for event in facts.events if event.point == "fault.injected"]
    injected.sort(key=lambda event: int(event.fields["held"]))
    fired = {event.fields["fault"]: event for event in injected}
    missing = [name for name in planned if name not in fired]
    # The other side may notice before the injection is noted, but not before the process was held for it.
    since = [*(event.fields["held"] for event in injected), math.inf]
    marks = [event.number for event in facts.events if _is_mark(event)]
    unmarked = [
        event.fields["fault"]
        for event, (first, end) in zip(injected, pairwise(since), strict=True)
        if not any(first < number < end for number in marks)
    ]
    failed = [event.fields["reason"] for event in facts.events if event.point == "fault.failed"]
    unhealed = [event.fields["reason"] for event in facts.events if event.point == "fault.unhealed"]
    problems = [
        *(f"{name} did not fire" for name in missing),
        *(f"{name} left no mark" for name in unmarked),
        *(f"not injected: {reason}" for reason in failed),
        *(f"not healed: {reason}" for reason in unhealed),
    ]
    summary = f"{len(fired)} of {len(planned)} planned faults fired"
    figures = {"planned": len(planned), "fired": len(fired), "failed calls": facts.count("client.call.failed")}
    return CheckResult("faults", len(planned), summary, (), figures, void_because="; ".join(problems))


def _is_mark(event: Event) -> bool:
    lost = event.point == "client.connection.changed" and event.fields["state"] in LOST
    return lost or event.point == "client.call.failed"
