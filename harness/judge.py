"""From facts to the verdict, and the files that the report reads."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime

from harness.checks import CHECKS
from harness.coverage import not_covered
from harness.facts import RunFacts
from harness.record import RunRecord
from harness.traffic import traffic_figures
from harness.verdict import CheckResult, Verdict, worst
from harness.workshop import Workshop

__all__ = ["judge"]

ALWAYS = ("completion",)


def judge(facts: RunFacts, record: RunRecord, workshop: Workshop) -> tuple[Verdict, tuple[CheckResult, ...]]:
    """Apply the scenario's checks and write what they found."""
    names = dict.fromkeys((*ALWAYS, *facts.scenario.checks))
    checks = tuple(CHECKS[name](facts) for name in names)
    verdict = worst(check.verdict for check in checks)
    backend = workshop.backend
    proxied = facts.scenario.topology == "proxy"
    proxy = {"kind": backend.kind, "version": backend.version} if proxied else None
    record.write_environment(facts.scenario, proxy)
    record.write_lines("split.jsonl", facts.split_steps)
    record.write_lines("reference.jsonl", facts.reference_steps)
    if not facts.missing_files:
        record.write("equivalence.json", _equivalence_json(facts))
    if facts.traffic and facts.split_steps:
        record.write("bytes.json", traffic_figures(facts))
    seconds = (datetime.now(UTC) - record.started).total_seconds()
    replay = workshop.replay(facts.scenario)
    record.write("verdict.json", _verdict_json(facts, record, verdict, checks, seconds, replay))
    if verdict is Verdict.PASS:
        shutil.rmtree(record.checkpoints)  # equal to the reference's: the digests say all there is to say
    return verdict, checks


def _equivalence_json(facts: RunFacts) -> Mapping[str, object]:
    equivalence = facts.equivalence
    return {
        "rows": [asdict(row) for row in equivalence.rows],
        "ulp_histogram": {str(lower): count for lower, count in equivalence.ulp_histogram.items()},
        "first_divergence": asdict(equivalence.first_divergence) if equivalence.first_divergence else None,
    }


def _verdict_json(
    facts: RunFacts, record: RunRecord, verdict: Verdict, checks: tuple[CheckResult, ...], seconds: float, replay: str
) -> Mapping[str, object]:
    return {
        "verdict": verdict.value,
        "checks": [_check_json(check) for check in checks],
        "not_covered": not_covered(facts.scenario),
        "replay": replay,
        "started": f"{record.started:%Y-%m-%dT%H:%M:%SZ}",
        "seconds": round(seconds, 2),
    }


def _check_json(check: CheckResult) -> Mapping[str, object]:
    return {
        "name": check.name,
        "verdict": check.verdict.value,
        "summary": check.void_because or check.summary,
        "compared": check.compared,
        "figures": dict(check.figures),
        "findings": [{"message": finding.message, "where": dict(finding.where)} for finding in check.findings],
    }
