"""What a check has found, in brief."""

from harness.trace.verdict import Verdict

PASS, FAIL, VOID, NOT_APPLICABLE = Verdict.PASS, Verdict.FAIL, Verdict.VOID, Verdict.NOT_APPLICABLE


def messages(result):
    """Return what each finding says."""
    return [finding.message for finding in result.findings]
