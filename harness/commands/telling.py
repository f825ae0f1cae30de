"""Describes a recorded run, as text for a terminal and as JSON for programs."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from harness.recording.reader import RunFolder
from harness.recording.schema import CheckRecord, DivergenceRecord, RungRun
from harness.report.ladder import NAMES
from harness.report.reading import word
from harness.report.wording import place, value

__all__ = ["details", "json_of", "line", "reading"]

# Checks whose summaries are in the table of verdicts.
TOLD = ("equivalence", "faults", "step_time", "traffic", "convergence", "hostility", "lies")
WRONG = ("FAIL", "VOID")
NOTHING = "N/A"
INDENT = " " * 7


def line(run: RunFolder, width: int = 0) -> str:
    """Return a run's line in the table of verdicts."""
    return f"{word(run):5}  {run.scenario.name:{width}}  {reading(run)}"


def reading(run: RunFolder) -> str:
    """Return in one line what is wrong, or what was shown."""
    for verdict in WRONG:
        for check in run.verdict.checks:
            if check.verdict == verdict:
                return f"{check.name}: {_reading(check)}".splitlines()[0]
    told = [check.summary for check in run.verdict.checks if check.name in TOLD and check.verdict != NOTHING]
    silent = [check.name for check in run.verdict.checks if check.verdict == NOTHING]
    return "; ".join([*told, *([f"N/A: {', '.join(silent)}"] if silent else [])])


def details(run: RunFolder) -> list[str]:
    """Return everything that is wrong with a run, where, and how to run it again; empty for one that passed."""
    if run.verdict.verdict == "PASS":
        return []
    first = _first_divergence(run)
    told = [
        *_problems(run),
        *(_divergence(first, _rungs(run)) if first else ()),
        *([f"likely cause: {run.verdict.likely_cause}"] if run.verdict.likely_cause else []),
        f"replay: {run.verdict.replay}",
        f"run: {run.path}",
    ]
    return [INDENT + text for part in told for text in part.splitlines()]


def _first_divergence(run: RunFolder) -> DivergenceRecord | None:
    """Return the first number that differs from the reference."""
    return run.equivalence.first_divergence if run.equivalence else None


def _rungs(run: RunFolder) -> tuple[RungRun, ...]:
    return run.equivalence.ladder if run.equivalence else ()


def json_of(run: RunFolder) -> dict[str, Any]:
    """Return a run's verdict, what is wrong with it and its figures, for programs."""
    first, checks = _first_divergence(run), run.verdict.checks
    return {
        "scenario": run.scenario.name,
        "verdict": run.verdict.verdict,
        "error": "\n".join(check.traceback for check in checks if check.traceback),
        "folder": str(run.path) if run.path.name else "",
        "replay": run.verdict.replay,
        "seconds": run.verdict.seconds,
        "checks": {check.name: check.verdict for check in checks},
        "findings": [
            {"check": check.name, "message": text} for check in checks if check.verdict in WRONG for text in _all(check)
        ],
        "first_divergence": asdict(first) if first else None,
        "cause": run.verdict.cause,
        "likely_cause": run.verdict.likely_cause,
        "ladder": [asdict(rung) for rung in _rungs(run)],
        "figures": {name: number for check in checks for name, number in check.figures.items()},
    }


def _problems(run: RunFolder) -> Iterator[str]:
    """Return the details for which the table's line has no room."""
    wrong = [check for check in run.verdict.checks if check.verdict in WRONG]
    told = (f"{check.name}: {text}" for check in wrong for text in _all(check))
    yield from (text for text in told if text != reading(run))
    yield from (check.traceback for check in wrong if check.traceback)


def _divergence(first: DivergenceRecord, rungs: Sequence[RungRun]) -> Iterator[str]:
    where = place(first, separator=", ").replace("step -1", "after the last step")
    yield f"first divergence: {where}: split run {value(first.split)}, reference {value(first.reference)}"
    if first.rung:
        yield f"guilty rung: {first.rung} ({NAMES.get(first.rung, first.rung)})"
    elif rungs:
        silent = ", ".join(rung.rung for rung in rungs if rung.verdict == "VOID")
        yield f"guilty rung: not known, for {silent} showed nothing"


def _all(check: CheckRecord) -> list[str]:
    """Return the check's findings, or why it is void."""
    return [finding.message for finding in check.findings] or [check.summary]


def _reading(check: CheckRecord) -> str:
    return _all(check)[0] if check.verdict == "FAIL" else check.summary
