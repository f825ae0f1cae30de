"""The run ended by itself, successfully and in time."""

from harness.judging.check import register_check
from harness.judging.facts import RunFacts
from harness.trace.verdict import CheckResult, Finding

__all__ = ["check_completion"]


@register_check
def check_completion(facts: RunFacts) -> CheckResult:
    """Check that nothing hung, nothing crashed, and every step was reported."""
    findings = [Finding(facts.problem)] if facts.problem else []
    steps, expected = len(facts.split_steps), len(facts.reference_steps)
    if steps != expected:
        findings.append(Finding(f"the client reported {steps} steps, the reference {expected}"))
    return CheckResult("completion", max(expected, 1), f"{steps} of {expected} steps were done", findings)
