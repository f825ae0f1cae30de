"""The run passed the points that make it worth looking at."""

from harness.judging.check import register_check
from harness.judging.facts import RunFacts
from harness.trace.verdict import CheckResult

__all__ = ["check_expectations"]


@register_check
def check_expectations(facts: RunFacts) -> CheckResult:
    """Look for every point that the scenario expects; VOID if one was never passed, N/A if it names none."""
    if not facts.scenario.expects:
        return CheckResult("expectations", 0, "no point was expected", applies=False)
    counts = {point: facts.count(point) for point in facts.scenario.expects}
    never = [point for point, count in counts.items() if not count]
    summary = ", ".join(f"{point} {count} times" for point, count in counts.items())
    because = f"{', '.join(never)} never passed" if never else ""
    return CheckResult("expectations", len(counts), summary, figures=counts, void_because=because)
