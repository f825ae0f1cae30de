"""A run does exactly the necessary work: passes, graphs, calls, checkpoints, sessions, repetitions."""

from harness.judging.budget import budget_of, most_live_sessions
from harness.judging.check import register_check
from harness.judging.facts import RunFacts
from harness.trace.verdict import CheckResult, Finding

__all__ = ["check_work"]

# The newest, and the one before it until the newest is known to be complete on both sides.
MOST_HALVES = 2


@register_check
def check_work(facts: RunFacts) -> CheckResult:
    """Compare each count with its known value: exact in an undisturbed run, bounded by the faults otherwise.

    VOID if the run ended early; N/A if several clients train, because their work is counted together.
    """
    if facts.scenario.other_clients:
        clients = 1 + len(facts.scenario.other_clients)
        return CheckResult("work", 0, f"the work of {clients} clients is counted together", applies=False)
    if facts.ended_at is not None or not facts.reference_steps:
        return CheckResult("work", 0, "the run ended early, so it is not known how much it had to do")
    budget = budget_of(facts)
    counts = {point: facts.count(point) for point in budget.points}
    findings = [
        Finding(f"{point} was passed {count} times; {_words(*budget.points[point])}")
        for point, count in counts.items()
        if not _within(count, budget.points[point])
    ]
    computed = sum(int(event.fields["passes"]) for event in facts.events if event.point == "trunk.commit.applied")
    if not _within(computed, budget.passes):
        findings.append(Finding(f"the trunk computed {computed} forward passes; {_words(*budget.passes)}"))
    failed, live = facts.count("client.call.failed"), most_live_sessions(facts.events)
    if failed > budget.failed_calls:
        findings.append(Finding(f"{failed} calls failed; the faults account for {budget.failed_calls} at most"))
    if live > 1:
        findings.append(Finding(f"the trunk held {live} sessions of 1 client at once"))
    findings += [
        Finding(f"the {side} has kept {count} checkpoints; {MOST_HALVES} are enough to continue from")
        for side, count in facts.halves.items()
        if count > MOST_HALVES
    ]
    figures = {
        **counts,
        "forward passes": computed,
        "failed calls": failed,
        "failed calls at most": budget.failed_calls,
    }
    summary = f"{len(counts)} counts are as planned; {failed} failed calls, of {budget.failed_calls} at most"
    return CheckResult("work", sum(counts.values()) + computed, summary, findings, figures)


def _within(count: int, bounds: tuple[int, int]) -> bool:
    return bounds[0] <= count <= bounds[1]


def _words(least: int, most: int) -> str:
    return f"{least} is right" if least == most else f"{least} to {most} are right"
