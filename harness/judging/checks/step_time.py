"""The time of a step, against the least and the most that its parts allow."""

from statistics import median

from harness.judging.check import register_check
from harness.judging.facts import RunFacts
from harness.trace.verdict import CheckResult, Finding

__all__ = ["check_step_time"]

# The first step also sets up the connection.
WARM_UP_STEPS = 1
# A transmitted byte passes the bandwidth limit once, in its own direction.
ROUND_TRIPS = 2
# The link dominates if its share of a step is at least this: then a busy machine cannot cause a finding.
SLOW = 0.6
# The fastest step: a link adds no more than its figures and a busy machine only adds, so a third round trip shows.
MOST_OF_LINK, MOST_OF_COMPUTING, MOST_BESIDE = 1.2, 1.5, 0.05
# The median step: an intermittent delay must not affect every second step.
MOST_OF_LINK_MEDIAN, MOST_OF_COMPUTING_MEDIAN = 1.5, 5.0


@register_check
def check_step_time(facts: RunFacts) -> CheckResult:
    """Check that a step waits for two round trips; less means that the link was not there.

    A step consists of computing, two round trips, and transmission at the link's bandwidth; microbatches let them
    overlap, so a step may take less than their sum. If the link dominates, and the reference was timed alone, it may
    not take much more either. N/A if the link has no delay.
    """
    steps = [step["seconds"] for step in facts.split_steps[WARM_UP_STEPS:]]
    reference = [step["seconds"] for step in facts.reference_steps[WARM_UP_STEPS:]]
    if not steps or not reference:
        return CheckResult("step_time", 0, "no step was timed")
    link = facts.scenario.link
    floor = ROUND_TRIPS * max(link.round_trip_ms - 2 * link.jitter_ms, 0) / 1000
    on_the_way = ROUND_TRIPS * link.round_trip_ms / 1000 + _transmission_seconds(facts)
    computing = median(reference)
    expected = computing + on_the_way
    findings = []
    if min(steps) < floor:
        findings.append(Finding(f"a step took {min(steps):.3f} s, less than two round trips ({floor:.3f} s)"))
    bounded = facts.scenario.timed and on_the_way >= SLOW * expected
    most = MOST_OF_LINK * on_the_way + MOST_OF_COMPUTING * min(reference) + MOST_BESIDE
    if bounded and min(steps) > most:
        findings.append(Finding(f"no step took less than {min(steps):.3f} s; its parts leave room for {most:.3f} s"))
    most = MOST_OF_LINK_MEDIAN * on_the_way + MOST_OF_COMPUTING_MEDIAN * computing
    if bounded and median(steps) > most:
        findings.append(Finding(f"half of the steps took {median(steps):.3f} s; {most:.3f} s is room enough"))
    return CheckResult(
        "step_time",
        len(steps) if floor else 0,
        f"a step takes {median(steps):.3f} s; one after another, its parts make {expected:.3f} s",
        findings,
        {
            "median step s": round(median(steps), 4),
            "fastest step s": round(min(steps), 4),
            "single process step s": round(computing, 4),
            "split / single process": round(median(steps) / computing, 3),
            "sum of a step's parts s": round(expected, 4),
            "step / sum of its parts": round(median(steps) / expected, 3),
        },
        applies=floor > 0,
    )


def _transmission_seconds(facts: RunFacts) -> float:
    link = facts.scenario.link
    if facts.traffic is None:
        return 0.0
    up = facts.traffic.upstream / (1000 * link.up_kbps) if link.up_kbps else 0.0
    down = facts.traffic.downstream / (1000 * link.down_kbps) if link.down_kbps else 0.0
    return (up + down) / len(facts.split_steps)
