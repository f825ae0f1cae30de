"""How long a step takes, against the least it can: computing plus two round trips."""

from statistics import median

from harness.facts import RunFacts
from harness.verdict import CheckResult, Finding

__all__ = ["check_step_time"]

# The first step also makes the connection.
WARM_UP_STEPS = 1
# A transmitted byte passes the bandwidth limit once; the limits of both directions are taken as they are.
ROUND_TRIPS = 2


def check_step_time(facts: RunFacts) -> CheckResult:
    """A step must wait for two round trips; less means that the link was not there. The rest is reported.

    The parts of a step are computing, two round trips, and transmission at the link's bandwidth; microbatches let them
    overlap, so a step may take less than their sum.
    """
    steps = [step["seconds"] for step in facts.split_steps[WARM_UP_STEPS:]]
    reference = [step["seconds"] for step in facts.reference_steps[WARM_UP_STEPS:]]
    if not steps or not reference:
        return CheckResult("step_time", 0, "no step was timed")
    link = facts.scenario.link
    floor = ROUND_TRIPS * max(link.round_trip_ms - 2 * link.jitter_ms, 0) / 1000
    expected = median(reference) + ROUND_TRIPS * link.round_trip_ms / 1000 + _transmission_seconds(facts)
    findings = []
    if min(steps) < floor:
        findings.append(Finding(f"a step took {min(steps):.3f} s, less than two round trips ({floor:.3f} s)"))
    return CheckResult(
        "step_time",
        len(steps),
        f"a step takes {median(steps):.3f} s; one after another, its parts make {expected:.3f} s",
        findings,
        {
            "median step s": round(median(steps), 4),
            "single process step s": round(median(reference), 4),
            "split / single process": round(median(steps) / median(reference), 3),
            "sum of a step's parts s": round(expected, 4),
            "step / sum of its parts": round(median(steps) / expected, 3),
        },
    )


def _transmission_seconds(facts: RunFacts) -> float:
    link = facts.scenario.link
    if facts.traffic is None:
        return 0.0
    up = facts.traffic.upstream / (1000 * link.up_kbps) if link.up_kbps else 0.0
    down = facts.traffic.downstream / (1000 * link.down_kbps) if link.down_kbps else 0.0
    return (up + down) / len(facts.split_steps)
