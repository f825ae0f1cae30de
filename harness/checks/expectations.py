"""The run passed the points that make it worth looking at."""

from harness.facts import RunFacts
from harness.verdict import CheckResult

__all__ = ["check_expectations"]


def check_expectations(facts: RunFacts) -> CheckResult:
    """VOID where a point that the scenario is about was never passed."""
    counts = {point: facts.count(point) for point in facts.scenario.expects}
    never = [point for point, count in counts.items() if not count]
    summary = ", ".join(f"{point} {count} times" for point, count in counts.items()) or "no point was expected"
    because = f"{', '.join(never)} never passed" if never else ""
    return CheckResult("expectations", 1 + len(counts), summary, figures=counts, void_because=because)
