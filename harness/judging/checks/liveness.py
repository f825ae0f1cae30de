"""Every fault heals, and progress resumes within a bound."""

from collections.abc import Mapping, Sequence
from math import isfinite

from harness.judging.check import register_check
from harness.judging.facts import RunFacts
from harness.judging.recovery import seconds_to_progress
from harness.plan.scenario import Scenario
from harness.trace.event import Event
from harness.trace.verdict import CheckResult, Finding

__all__ = ["check_liveness", "recovery_seconds"]

# Points, and the field in which each has the name.
BEGINNINGS = {"fault.injected": "fault", "adversary.began": "adversary"}
ENDS = {"fault.healed": "fault", "adversary.ended": "adversary"}


@register_check
def check_liveness(facts: RunFacts) -> CheckResult:
    """Measure the time from each fault's healing to the client's next progress; the bound is the scenario's.

    FAIL if a fault fired and did not heal. N/A if no fault was planned, or each healed after the work was done; VOID if
    none fired.
    """
    if not facts.scenario.planned:
        return CheckResult("liveness", 0, "there was nothing to recover from", applies=False)
    bound = facts.scenario.recovery_bound
    seconds = recovery_seconds(facts.events)
    fired, healed = (_names(facts.events, points) for points in (BEGINNINGS, ENDS))
    faults = {fault.name for fault in facts.scenario.faults}
    left = (name for name in fired if name not in healed)
    findings = [Finding(f"{name} did not {'heal' if name in faults else 'end'}") for name in left]
    healing, over, each = _words_for(facts.scenario)
    findings += [Finding(f"{_words(s)} after {over}, not within {bound:g} s") for s in seconds if s > bound]
    if not fired:
        return CheckResult("liveness", 0, f"none of the {each} began: there was nothing to recover from")
    done = len(healed) - len(seconds)
    after = f"; {done} {'ended' if facts.scenario.adversaries else 'healed'} when the work was done" if done else ""
    if not seconds and not findings:
        return CheckResult("liveness", 0, f"no progress was due{after}", applies=False)
    worst = max(seconds, default=0.0)
    summary = f"progress within {worst:.2f} s of {healing} of each of {len(seconds)} {each}, of {bound:g} s{after}"
    figures = {"slowest recovery s": round(worst, 3)} if isfinite(worst) else {}  # JSON has no infinity
    return CheckResult("liveness", len(fired), summary, findings, figures)


def _words_for(scenario: Scenario) -> tuple[str, str, str]:
    """Return the words for the end of what was planned, for one that is over, and for all of them."""
    if not scenario.adversaries:
        return "the healing", "a fault had healed", "faults"
    if not scenario.faults:
        return "the end", "an adversary had ended", "adversaries"
    return "the end", "a fault had healed or an adversary had ended", "faults and adversaries"


def _words(seconds: float) -> str:
    return f"progress came {seconds:.2f} s" if isfinite(seconds) else "no progress came"


def _names(events: Sequence[Event], points: Mapping[str, str]) -> list[str]:
    """Return the names of faults and adversaries for which the harness recorded one of these points."""
    return [str(event.fields[points[event.point]]) for event in events if event.point in points]


def recovery_seconds(events: Sequence[Event]) -> list[float]:
    """Return the seconds from each fault's healing to the client's next progress; infinite if there was none.

    A fault that heals after the client's work is done needs no progress.
    """
    passed = ((event.t, event.point) for event in events)
    healed = (event.t for event in events if event.point in ENDS)
    return [seconds for seconds in seconds_to_progress(passed, healed) if seconds is not None]
