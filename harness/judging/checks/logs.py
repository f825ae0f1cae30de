"""No program wrote a traceback or died of a defect, whatever was done to it."""

from harness.judging.facts import RunFacts
from harness.trace.verdict import CheckResult, Finding

__all__ = ["check_logs"]


def check_logs(facts: RunFacts) -> CheckResult:
    """Find no traceback: a refusal is a message and a broken network a retry, so each is a defect."""
    findings = [Finding(f"{log}, {crash}") for log, crashes in facts.crashes.items() for crash in crashes]
    return CheckResult("logs", len(facts.crashes), "no log tells of a crash", findings, {"crashes": len(findings)})
