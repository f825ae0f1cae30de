"""Bytes at the proxy, against those that the tensors need."""

from harness.judging.check import register_check
from harness.judging.facts import RunFacts
from harness.judging.traffic import bytes_of
from harness.trace.verdict import CheckResult, Finding

__all__ = ["check_traffic"]


@register_check
def check_traffic(facts: RunFacts) -> CheckResult:
    """Bound the bytes at the proxy: without compression at least the tensors', and little more.

    N/A without a proxy; with faults, because what a broken connection took in need not have arrived; and with several
    clients, because their bytes are counted together.
    """
    if facts.scenario.topology != "proxy" or facts.scenario.planned or facts.scenario.other_clients:
        return CheckResult("traffic", 0, "no bytes were to be counted", applies=False)
    if facts.traffic is None or facts.ended_at is not None or not facts.split_steps:
        return CheckResult("traffic", 0, "no bytes were counted of a whole run")
    total, expected = facts.traffic.upstream + facts.traffic.downstream, bytes_of(facts)
    fits = (expected.compresses or expected.least <= total) and total <= expected.most
    bounds = f"at most {expected.most}" if expected.compresses else f"{expected.least} to {expected.most}"
    findings = [] if fits else [Finding(f"{total} bytes passed the proxy; {bounds} are right")]
    ratio = total / expected.least
    summary = f"{total / len(facts.split_steps):,.0f} bytes a step, {ratio:.4f} times the tensors' own"
    return CheckResult("traffic", total, summary, findings, {"bytes / least bytes": round(ratio, 5)})
