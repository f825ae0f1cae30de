"""Bytes at the proxy, against the least that the tensors take."""

from harness.facts import RunFacts
from harness.traffic import least_bytes
from harness.verdict import CheckResult, Finding

__all__ = ["check_traffic"]

MOST = 1.1  # headers, keys, masks and commits; more would be sending twice


def check_traffic(facts: RunFacts) -> CheckResult:
    """Uncompressed tensors cannot take fewer bytes than they have, and need few more; the overhead is reported."""
    if facts.traffic is None or not facts.split_steps:
        return CheckResult("traffic", 0, "no bytes were counted")
    total, least = facts.traffic.upstream + facts.traffic.downstream, least_bytes(facts)
    ratio = total / least
    fits = 1 <= ratio <= MOST
    findings = [] if fits else [Finding(f"{total} bytes passed the proxy, the tensors have {least}")]
    summary = f"{total / len(facts.split_steps):,.0f} bytes a step, {ratio:.4f} times the least"
    return CheckResult("traffic", total, summary, findings, {"bytes / least bytes": round(ratio, 5)})
