"""Summarises a run in counts and one plain sentence."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from harness.oracle.promises import is_lossless
from harness.recording.reader import RunFolder
from harness.recording.schema import VerdictWord
from harness.report.faults import fault_spans
from harness.report.wording import place, plural
from splitlearn.errors import ConfigError

__all__ = ["Counts", "counts", "sentence", "word", "worst_verdict"]

SEVERITY: tuple[VerdictWord, ...] = ("PASS", "VOID", "FAIL")
assert set(SEVERITY) == set(get_args(VerdictWord))


@dataclass(frozen=True)
class Counts:
    """The numbers that a verdict rests on."""

    steps: int
    compared: int
    compared_what: str
    differing: int
    fired: int
    planned: int


def counts(run: RunFolder) -> Counts:
    """Count steps, comparisons and faults; a run without a table of tensors has only what its checks compared."""
    spans = [span for span in fault_spans(run) if span.planned]
    table = run.equivalence.rows if run.equivalence else ()
    by_table = sum(row.compared for row in table)
    by_checks = sum(check.compared or 0 for check in run.verdict.checks)
    return Counts(
        steps=len({step.step for step in run.split}),
        compared=by_checks if run.equivalence is None else by_table,
        compared_what="comparisons" if run.equivalence is None else "tensors compared",
        differing=sum(row.differing for row in table),
        fired=sum(span.fired for span in spans),
        planned=len(spans),
    )


def word(run: RunFolder) -> str:
    """Return the verdict, or ERROR if it is VOID because the harness itself failed."""
    broken = any(check.traceback for check in run.verdict.checks)
    return "ERROR" if broken and run.verdict.verdict == "VOID" else run.verdict.verdict


def worst_verdict(runs: Iterable[RunFolder]) -> VerdictWord:
    """Return the worst verdict: FAIL outweighs VOID, VOID outweighs PASS."""
    return max((run.verdict.verdict for run in runs), key=SEVERITY.index)


def sentence(run: RunFolder) -> str:
    """Return in one sentence what the run shows."""
    match run.verdict.verdict:
        case "PASS":
            return _passed(run)
        case "FAIL":
            return _failed(run)
        case "VOID":
            return _void(run)


def _passed(run: RunFolder) -> str:
    numbers = counts(run)
    through = f", through {plural(numbers.fired, 'fault')}," if numbers.fired else ""
    reference = _reference(str(run.scenario.config.get("codec", "raw")))
    if run.equivalence is None or not numbers.compared:
        return (
            f"Every check holds over {plural(numbers.steps, 'step')}{through.rstrip(',')}; "
            "no tensor was compared with a reference."
        )
    if not numbers.differing:
        return (
            f"The split run is the same training as {reference}: over {plural(numbers.steps, 'step')}{through} "
            f"all {plural(numbers.compared, 'compared tensor')} are equal bit for bit."
        )
    return (
        f"The split run agrees with {reference} as closely as the scenario asks: over "
        f"{plural(numbers.steps, 'step')}{through} every check holds, "
        f"with {numbers.differing:,} of {plural(numbers.compared, 'compared tensor')} not identical."
    )


def _reference(codec: str) -> str:
    try:
        lossless = is_lossless(codec)
    except (KeyError, ConfigError):  # recorded on a machine that had a codec of somebody's own
        return f"one process (the codec {codec}, which it applied if lossy, is not installed here)"
    return "one process" if lossless else f"one process that applies the codec {codec} at the same cuts"


def _failed(run: RunFolder) -> str:
    first = run.equivalence.first_divergence if run.equivalence else None
    failed = [check for check in run.verdict.checks if check.verdict == "FAIL"]
    if first:
        where = place(first, separator=", ")
        return f"The split run is not the same training as one process: the first difference is at {where}."
    if failed:
        check = failed[0]
        # The first line of a message: the rest is the end of a log.
        wrong = check.findings[0].message.partition("\n")[0] if check.findings else check.summary
        return f"The check “{check.name}” does not hold: {wrong.rstrip('.:')}."
    return "The run failed, and no check says why; the logs below may."


def _void(run: RunFolder) -> str:
    numbers = counts(run)
    silent = [span.name for span in fault_spans(run) if span.planned and not span.fired]
    empty = [check for check in run.verdict.checks if check.verdict == "VOID"]
    if silent:
        return (
            f"This run proves nothing: {len(silent)} of {plural(numbers.planned, 'planned fault')} never fired "
            f"({', '.join(silent)})."
        )
    if empty:
        return f"This run proves nothing: the check “{empty[0].name}” is void: {empty[0].summary.rstrip('.')}."
    return "This run proves nothing: it was judged void, and no check says why."
