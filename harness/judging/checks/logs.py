"""No program wrote a traceback or died of a bug, whatever was done to it."""

from harness.judging.check import register_check
from harness.judging.facts import RunFacts
from harness.trace.verdict import CheckResult, Finding

__all__ = ["check_logs"]


@register_check
def check_logs(facts: RunFacts) -> CheckResult:
    """Look for tracebacks: a refusal is a message and a broken network a retry, so every traceback is a bug."""
    findings = [Finding(f"{log}, {crash}") for log, crashes in facts.crashes.items() for crash in crashes]
    return CheckResult("logs", len(facts.crashes), "no log tells of a crash", findings, {"crashes": len(findings)})
