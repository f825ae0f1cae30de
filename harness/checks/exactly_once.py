"""Each optimizer step was applied once on each side."""

from collections import Counter

from harness.facts import RunFacts
from harness.verdict import CheckResult, Finding

__all__ = ["check_exactly_once"]

APPLIED = ("client.commit.applied", "trunk.commit.applied")


def check_exactly_once(facts: RunFacts) -> CheckResult:
    """Count the commits that were applied, by side and step."""
    applied = Counter((event.point, event.step or 0) for event in facts.events if event.point in APPLIED)
    steps = range(len(facts.reference_steps))
    seen = {step for _, step in applied}
    findings = [
        Finding(f"{point} {applied[point, step]} times instead of {_wanted(step in steps)}", {"step": step})
        for point in APPLIED
        for step in sorted(seen.union(steps))
        if applied[point, step] != (step in steps)
    ]
    calls = facts.count("client.call.failed")
    return CheckResult(
        "exactly_once",
        sum(applied.values()),
        f"{len(steps)} steps, each applied once on both sides" if not findings else "some steps were not applied once",
        findings[:10],
        {"failed calls that were repeated": calls},
    )


def _wanted(planned: bool) -> str:  # noqa: FBT001 - a word for a truth
    return "once" if planned else "never"
