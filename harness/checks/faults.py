"""Every planned fault happened, left a mark, and was healed."""

from harness.facts import RunFacts
from harness.verdict import CheckResult

__all__ = ["check_faults"]

# What shows that the system noticed: a call failed, or the connection was made anew.
MARKS = ("client.call.failed", "client.connection.changed")


def check_faults(facts: RunFacts) -> CheckResult:
    """VOID where a fault did not fire or left no mark: the run has then not shown what it was meant to."""
    planned = [fault.name for fault in facts.scenario.faults]
    if not planned:
        return CheckResult("faults", 1, "none were planned")
    injected = [event for event in facts.events if event.point == "fault.injected"]
    fired = {event.fields["fault"]: event for event in injected}
    missing = [name for name in planned if name not in fired]
    unmarked = [
        name
        for name, event in fired.items()
        if not any(mark.number > event.number and mark.point in MARKS for mark in facts.events)
    ]
    unhealed = [event.fields["reason"] for event in facts.events if event.point == "fault.unhealed"]
    problems = [
        *(f"{name} did not fire" for name in missing),
        *(f"{name} left no mark" for name in unmarked),
        *(f"not healed: {reason}" for reason in unhealed),
    ]
    summary = f"{len(fired)} of {len(planned)} planned faults fired"
    figures = {"planned": len(planned), "fired": len(fired), "failed calls": facts.count("client.call.failed")}
    return CheckResult("faults", len(planned), summary, (), figures, void_because="; ".join(problems))
