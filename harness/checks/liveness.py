"""After the last fault heals, progress resumes within a bound."""

from collections.abc import Sequence

from harness.events import Event
from harness.facts import RunFacts
from harness.recovery import seconds_to_progress
from harness.verdict import CheckResult, Finding

__all__ = ["check_liveness", "recovery_seconds"]


def check_liveness(facts: RunFacts) -> CheckResult:
    """Measure the time from each fault's healing to the client's next progress; the bound is the scenario's."""
    bound = facts.scenario.recovery_bound
    seconds = recovery_seconds(facts.events)
    if not facts.scenario.faults:
        return CheckResult("liveness", 1, "there was nothing to recover from")
    findings = [Finding(f"progress came {s:.2f} s after a fault had healed, not within {bound:g} s") for s in seconds]
    findings = [finding for finding, s in zip(findings, seconds, strict=True) if s > bound]
    worst = max(seconds, default=0.0)
    done = facts.count("fault.healed") - len(seconds)
    after = f"; {done} healed when the work was done" if done else ""
    summary = f"progress within {worst:.2f} s of the healing of each of {len(seconds)} faults, of {bound:g} s{after}"
    return CheckResult(
        "liveness", len(facts.scenario.faults), summary, findings, {"slowest recovery s": round(worst, 3)}
    )


def recovery_seconds(events: Sequence[Event]) -> list[float]:
    """Give the time from each fault's healing to the client's next progress; infinite where none came.

    A fault that heals when the client's work is done needs no progress.
    """
    passed = ((event.t, event.point) for event in events)
    healed = (event.t for event in events if event.point == "fault.healed")
    return [seconds for seconds in seconds_to_progress(passed, healed) if seconds is not None]
