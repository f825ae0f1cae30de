"""Every lie of a trunk led to a retry or a typed error, or was ignored, and left no traceback."""

from harness.fuzz.lies import LIES
from harness.fuzz.report import FuzzReport
from harness.fuzz.victim import OPERATIONS
from harness.judging.check import register_check
from harness.judging.checks.fuzzers import Fuzzer, Reading, check_fuzzer
from harness.judging.facts import RunFacts
from harness.plan.adversaries import LyingTrunk
from harness.trace.verdict import CheckResult

__all__ = ["check_lies"]

TRUNK = Fuzzer(
    "lies",
    "lying trunk",
    LyingTrunk,
    "lies.finished",
    "lies were told",
    kinds=frozenset(LIES),
    calls=frozenset(OPERATIONS),
)


@register_check
def check_lies(facts: RunFacts) -> CheckResult:
    """Judge the lying trunk's report; VOID if it did not finish or left out a kind of lie or a call; N/A if none."""
    return check_fuzzer(facts, TRUNK, _read)


def _read(report: FuzzReport) -> Reading:
    figures = {
        "lies": report.sent,
        "distinct lies": report.distinct,
        "lies / s": round(report.sent / report.seconds),
        **{outcome: _ended(report, outcome) for outcome in ("retried", "refused", "ignored")},
    }
    summary = (
        f"{report.sent} lies of {len(report.kinds)} kinds to {len(report.calls)} calls, each retried, refused with a "
        "type or of no effect, no traceback"
    )
    return Reading(summary, figures)


def _ended(report: FuzzReport, outcome: str) -> int:
    """Return how many ended with this outcome, for whatever reason."""
    return sum(count for answer, count in report.answers.items() if answer.startswith(outcome))
