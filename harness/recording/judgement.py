"""What is written of a judged run."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TypeAlias

from harness.oracle.compare import Equivalence
from harness.plan.gaps import not_covered
from harness.plan.scenario import Scenario
from harness.trace.verdict import CheckResult, Verdict

__all__ = ["equivalence_json", "verdict_json"]

Json: TypeAlias = Mapping[str, object]


def equivalence_json(equivalence: Equivalence) -> Json:
    """Return what equivalence.json holds."""
    return {
        "rows": [asdict(row) for row in equivalence.rows],
        "ulp_histogram": {str(lower): count for lower, count in equivalence.ulp_histogram.items()},
        "first_divergence": asdict(equivalence.first_divergence) if equivalence.first_divergence else None,
    }


def verdict_json(
    scenario: Scenario, started: datetime, verdict: Verdict, checks: Sequence[CheckResult], replay: str
) -> Json:
    """Return what verdict.json holds of a run that ends now.

    Args:
        scenario: what was run.
        started: when.
        verdict: of all checks.
        checks: that were applied.
        replay: command that runs it again.
    """
    seconds = (datetime.now(UTC) - started).total_seconds()
    return {
        "verdict": verdict.value,
        "checks": [_check_json(check) for check in checks],
        "not_covered": not_covered(scenario),
        "replay": replay,
        "started": f"{started:%Y-%m-%dT%H:%M:%SZ}",
        "seconds": round(seconds, 2),
    }


def _check_json(check: CheckResult) -> Json:
    return {
        "name": check.name,
        "verdict": check.verdict.value,
        "summary": check.void_because or check.summary,
        "compared": check.compared,
        "figures": dict(check.figures),
        "findings": [{"message": finding.message, "where": dict(finding.where)} for finding in check.findings],
        **({"traceback": check.traceback} if check.traceback else {}),
    }
