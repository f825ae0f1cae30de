"""How long a fault goes unnoticed: no longer than a call may take."""

from math import isfinite

from harness.judging.check import register_check
from harness.judging.detection import notice_within, seconds_to_notice
from harness.judging.facts import RunFacts
from harness.trace.verdict import CheckResult, Finding

__all__ = ["check_detection"]


@register_check
def check_detection(facts: RunFacts) -> CheckResult:
    """Measure the time from each fault to the client's first failed call, lost connection or lost session.

    The bound is one second more than a call's deadline, or than gRPC's pings if those are faster. N/A if the client had
    nothing to notice; VOID if none of the faults that it had to notice fired.
    """
    deadline = facts.scenario.config.rpc_timeout
    bounds = {fault.name: notice_within(fault, deadline) for fault in facts.scenario.faults}
    due = {name: bound for name, bound in bounds.items() if bound is not None}
    fired = [event for event in facts.events if event.point == "fault.injected" and event.fields["fault"] in due]
    if not due:
        return CheckResult("detection", 0, "there was nothing that the client had to notice", applies=False)
    if not fired:
        return CheckResult("detection", 0, "no fault fired that the client had to notice")
    timed = [
        (event.fields["fault"], seconds_to_notice(facts.events, event, due[event.fields["fault"]])) for event in fired
    ]
    taken = {name: seconds for name, seconds in timed if seconds is not None}
    if not taken:
        return CheckResult("detection", 0, "there was no client that could have noticed", applies=False)
    findings = [
        Finding(f"{name} was {_after(seconds)}, not within {due[name]:g} s")
        for name, seconds in taken.items()
        if seconds > due[name]
    ]
    slowest = max(taken, key=taken.__getitem__)
    summary = f"{len(taken)} faults noticed, the slowest {_after(taken[slowest])}, of {due[slowest]:g} s"
    return CheckResult("detection", len(taken), summary, findings, {"slowest detection s": round(taken[slowest], 3)})


def _after(seconds: float) -> str:
    return f"noticed after {seconds:.2f} s" if isfinite(seconds) else "never noticed"
