"""Malformed requests were refused, each by its own reason, and cost the trunk no memory."""

from harness.facts import RunFacts
from harness.fuzz.memory import growth
from harness.fuzz.messages import malformed
from harness.fuzz.peers import HostilePeers
from harness.fuzz.raw import RAW_KINDS
from harness.fuzz.target import Target
from harness.verdict import CheckResult, Finding

__all__ = ["check_hostility"]

MIB = 1 << 20
# Training alone makes the trunk's memory swing by 12 MiB. A call that gRPC does not let go of costs 20 KB, hundreds of
# MiB over 20,000 requests.
MOST_GROWTH = 20 * MIB
KINDS = frozenset({*malformed(Target("", "", 0, 1, 1)), *RAW_KINDS})
MEASURED = 2 / 3  # the first third is warm-up


def check_hostility(facts: RunFacts) -> CheckResult:
    """VOID where the hostile peers did not come to their end, or left out a kind of request."""
    planned = sum(fault.count for fault in facts.scenario.faults if isinstance(fault, HostilePeers))
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
    raw = sum(report["kinds"].get(kind, 0) for kind in RAW_KINDS)
    figures = {
        "malformed requests": report["sent"] - raw,
        "raw connections": raw,
        "distinct": report["distinct"],
        "requests / s": round(report["sent"] / report["seconds"]),
        "trunk growth B/1000 requests": round(grown),
    }
    missing = sorted(kind for kind in KINDS if kind not in report["kinds"])
    void = f"none were {', '.join(missing)}" if missing else ""
    if report["sent"] != planned:
        void = f"only {report['sent']} of {planned} requests were sent"
    kinds, answers = len(report["kinds"]), len(report["answers"])
    summary = (
        f"{report['sent'] - raw} requests and {raw} raw connections, malformed in {kinds} ways, got {answers} kinds of "
        "refusals and nothing else"
    )
    return CheckResult("hostility", report["sent"], summary, findings, figures, void_because=void)
