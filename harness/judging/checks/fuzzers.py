"""What the checks of both fuzzers share: hostile peers and a lying trunk end with the same kind of report."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.fuzz.report import FuzzReport
from harness.judging.facts import RunFacts
from harness.plan.adversaries import HostilePeers, LyingTrunk
from harness.trace.verdict import CheckResult, Finding

__all__ = ["Fuzzer", "Reading", "check_fuzzer"]


@dataclass(frozen=True)
class Fuzzer:
    """One fuzzer.

    Attributes:
        check: its name.
        who: in words.
        adversary: whose program it is.
        finished: the point with its report.
        sent: what happens to each item, in words.
        kinds: the required kinds.
        calls: the required calls; empty if none are required.
    """

    check: str
    who: str
    adversary: type[HostilePeers | LyingTrunk]
    finished: str
    sent: str
    kinds: frozenset[str]
    calls: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Reading:
    """What a report says beyond its findings."""

    summary: str
    figures: Mapping[str, float]
    findings: tuple[Finding, ...] = ()


def check_fuzzer(facts: RunFacts, fuzzer: Fuzzer, read: Callable[[FuzzReport], Reading]) -> CheckResult:
    """Judge a fuzzer's report; VOID if it did not finish or left something out, N/A if none was planned."""
    planned = sum(each.count for each in facts.scenario.adversaries if isinstance(each, fuzzer.adversary))
    reports = [FuzzReport(**event.fields) for event in facts.events if event.point == fuzzer.finished]
    if not planned:
        return CheckResult(fuzzer.check, 0, f"no {fuzzer.who} planned", applies=False)
    if not reports:
        return CheckResult(fuzzer.check, 0, f"the {fuzzer.who} did not finish")
    report = reports[-1]
    reading = read(report)
    findings = (*map(Finding, report.findings), *reading.findings)
    void = _shortfall(report, planned, fuzzer)
    return CheckResult(fuzzer.check, report.sent, reading.summary, findings, reading.figures, void_because=void)


def _shortfall(report: FuzzReport, planned: int, fuzzer: Fuzzer) -> str:
    """Return what was not sent, in words; empty if nothing is missing."""
    if report.sent != planned:
        return f"only {report.sent} of {planned} {fuzzer.sent}"
    missing = sorted({*fuzzer.kinds - {*report.kinds}, *fuzzer.calls - {*report.calls}})
    return f"none were {', '.join(missing)}" if missing else ""
