"""Turns a judgement into records."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from harness.oracle.compare import Equivalence
from harness.plan.gaps import not_covered
from harness.plan.scenario import Scenario
from harness.recording import schema
from harness.recording.adapters import adapter_of
from harness.trace.verdict import CheckResult, Verdict

__all__ = ["recorded_equivalence", "recorded_verdict"]


def recorded_equivalence(equivalence: Equivalence) -> schema.EquivalenceRecord:
    """Return the record of a comparison."""
    first = equivalence.first_divergence
    return schema.EquivalenceRecord(
        rows=tuple(schema.RowRecord(**asdict(row)) for row in equivalence.rows),
        ulp_histogram={str(lower): count for lower, count in equivalence.ulp_histogram.items()},
        first_divergence=schema.DivergenceRecord(**asdict(first)) if first else None,
    )


def recorded_verdict(
    scenario: Scenario,
    started: datetime,
    verdict: Verdict,
    checks: Sequence[CheckResult],
    replay: str,
    cause: str = "",
    likely_cause: str = "",
) -> schema.VerdictRecord:
    """Return the record of the verdict of a run that ends now.

    Args:
        scenario: what was run.
        started: when.
        verdict: of all checks.
        checks: that were applied.
        replay: command that runs it again.
        cause: of a failure, in a word or two.
        likely_cause: the same in a sentence.
    """
    seconds = (datetime.now(UTC) - started).total_seconds()
    return adapter_of(schema.VerdictRecord).validate_python(
        {
            "verdict": verdict.value,
            "checks": [_check(check) for check in checks],
            "not_covered": not_covered(scenario),
            "replay": replay,
            "started": f"{started:%Y-%m-%dT%H:%M:%SZ}",
            "seconds": round(seconds, 2),
            "cause": cause,
            "likely_cause": likely_cause,
        }
    )


def _check(check: CheckResult) -> dict[str, object]:
    return {
        "name": check.name,
        "verdict": check.verdict.value,
        "summary": check.void_because or check.summary,
        "compared": check.compared,
        "figures": dict(check.figures),
        "findings": [{"message": finding.message, "where": dict(finding.where)} for finding in check.findings],
        "traceback": check.traceback,
    }
