"""Malformed requests were refused, each by its own reason, and cost the trunk no memory."""

from functools import partial

from harness.fuzz.messages import malformed
from harness.fuzz.raw import RAW_KINDS
from harness.fuzz.report import FuzzReport
from harness.fuzz.target import Target
from harness.judging.check import register_check
from harness.judging.checks.fuzzers import Fuzzer, Reading, check_fuzzer
from harness.judging.facts import RunFacts
from harness.judging.memory_growth import growth_with_requests
from harness.plan.adversaries import HostilePeers
from harness.trace.verdict import CheckResult, Finding

__all__ = ["check_hostility"]

MIB = 1 << 20
# Training alone makes the trunk's memory vary by 12 MiB. A call that gRPC does not free costs 20 KB, hundreds of MiB
# over 20,000 requests.
MOST_GROWTH = 20 * MIB
KINDS = frozenset({*malformed(Target("", "", 0, 1, 1)), *RAW_KINDS})
MEASURED = 2 / 3  # the first third is warm-up
PEERS = Fuzzer("hostility", "hostile peers", HostilePeers, "fuzz.finished", "requests were sent", KINDS)


@register_check
def check_hostility(facts: RunFacts) -> CheckResult:
    """Judge the hostile peers' report; VOID if they did not finish or left out a kind of request, N/A without any."""
    return check_fuzzer(facts, PEERS, partial(_read, facts))


def _read(facts: RunFacts, report: FuzzReport) -> Reading:
    told = [event.fields for event in facts.events if event.point == "fuzz.progress"]
    grown = growth_with_requests([fields["answered"] for fields in told], [fields["resident"] for fields in told])
    in_all = MEASURED * grown * report.sent / 1000
    leak = Finding(f"the trunk grew by {in_all / MIB:.1f} MiB over the requests after the warm-up")
    raw = sum(report.kinds.get(kind, 0) for kind in RAW_KINDS)
    figures = {
        "malformed requests": report.sent - raw,
        "raw connections": raw,
        "distinct": report.distinct,
        "requests / s": round(report.sent / report.seconds),
        "trunk growth B/1000 requests": round(grown),
    }
    kinds, answers = len(report.kinds), len(report.answers)
    summary = (
        f"{report.sent - raw} requests and {raw} raw connections, malformed in {kinds} ways, got {answers} kinds of "
        "refusals and nothing else"
    )
    return Reading(summary, figures, (leak,) if in_all > MOST_GROWTH else ())
