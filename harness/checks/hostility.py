"""Malformed requests were refused, each by its own reason, and cost the trunk no memory."""

from harness.facts import RunFacts
from harness.fuzz.memory import growth
from harness.verdict import CheckResult, Finding

__all__ = ["check_hostility"]

MIB = 1 << 20
# Training alone makes the trunk's memory swing by 12 MiB. A call that gRPC does not let go of costs 20 KB, hundreds of
# MiB over 20,000 requests.
MOST_GROWTH = 20 * MIB
MEASURED = 2 / 3  # the first third is warm-up


def check_hostility(facts: RunFacts) -> CheckResult:
    """VOID where the hostile peers did not come to their end."""
    finished = [event.fields for event in facts.events if event.point == "fuzz.finished"]
    told = [event.fields for event in facts.events if event.point == "fuzz.progress"]
    if not finished:
        return CheckResult("hostility", 0, "the hostile peers did not come to their end")
    report = finished[-1]
    findings = [Finding(str(finding)) for finding in report["findings"]]
    grown = growth([fields["answered"] for fields in told], [fields["resident"] for fields in told])
    in_all = MEASURED * grown * report["sent"] / 1000
    if in_all > MOST_GROWTH:
        findings.append(Finding(f"the trunk grew by {in_all / MIB:.1f} MiB over the requests after the warm-up"))
    figures = {
        "malformed requests": report["sent"],
        "distinct": report["distinct"],
        "requests / s": round(report["sent"] / report["seconds"]),
        "trunk growth B/1000 requests": round(grown),
    }
    kinds, answers = len(report["kinds"]), len(report["answers"])
    summary = f"{report['sent']} requests, malformed in {kinds} ways, got {answers} kinds of refusals and nothing else"
    return CheckResult("hostility", report["sent"], summary, findings, figures)
