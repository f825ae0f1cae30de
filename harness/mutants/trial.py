"""Runs one mutant with real processes and records what the judge reports."""

from collections.abc import Callable
from time import monotonic

from harness.engine.run import RunOutcome, run_scenario
from harness.engine.testbed import Testbed
from harness.errors import HarnessError
from harness.mutants.mutant import Mutant
from harness.mutants.planted import planted
from harness.mutants.program import NOT_PLANTED
from harness.recording.reader import read_run
from harness.recording.schema import StepRecord, TrialRecord
from harness.trace.verdict import Verdict

__all__ = ["try_mutant"]

# The relative difference of a loss from the reference's above which it would be seen in the loss curve.
VISIBLE = 0.01
# The stages of each party, in which the first divergence should lie if the bug is that party's.
LAYERS = {"client": ("bottom", "top", "client"), "trunk": ("trunk",)}


def try_mutant(mutant: Mutant, testbed: Testbed, on_wait: Callable[[str], None] = lambda _: None) -> TrialRecord:
    """Run a mutant's scenario with the mutant planted, and return the result.

    Args:
        mutant: the mutant.
        testbed: runs the scenario.
        on_wait: called with a description of what the run is waiting for.

    Raises:
        HarnessError: the mutant's target no longer exists.
    """
    started = monotonic()
    with planted(testbed, mutant) as infected:
        outcome = run_scenario(mutant.scenario, infected, on_wait=on_wait)
    return trial_of(mutant, outcome, monotonic() - started)


def trial_of(mutant: Mutant, outcome: RunOutcome, seconds: float) -> TrialRecord:
    """Return the result of a mutant's run that took `seconds`; raises `HarnessError` if its target no longer exists."""
    run = read_run(outcome.folder)
    if any(NOT_PLANTED in check.reading for check in outcome.checks):
        raise HarnessError(f"{mutant.name} {NOT_PLANTED}; {outcome.folder} has the log")
    first = run.equivalence.first_divergence if run.equivalence else None
    failed = tuple(check for check in outcome.checks if check.verdict is Verdict.FAIL)
    figures = {name: number for check in outcome.checks for name, number in check.figures.items()}
    stage, step = (first.stage or "", first.step) if first else ("", None)
    return TrialRecord(
        mutant=mutant.name,
        what=mutant.what,
        source=mutant.source,
        party=mutant.party,
        scenario=mutant.scenario.name,
        since=mutant.since,
        expected_cause=mutant.cause.value,
        verdict=run.verdict.verdict,
        checks=tuple(check.name for check in failed),
        step=step,
        stage=stage,
        tensor=(first.tensor or "") if first else "",
        latency=None if step is None or step < 0 else step - mutant.since,
        layer_right=stage in LAYERS[mutant.party] if stage and mutant.party in LAYERS else None,
        cause=run.verdict.cause,
        cause_right=run.verdict.cause == mutant.cause.value,
        in_the_curve=is_in_the_curve(run.split, run.reference),
        in_allclose=None if "allclose" not in figures else figures["allclose"] == "no",
        seconds=round(seconds, 1),
        finding=failed[0].reading.partition("\n")[0] if failed else "",
        likely_cause=run.verdict.likely_cause,
        equivalent=mutant.equivalent,
        unseen=mutant.plant.__module__.endswith(".unseen"),
    )


def is_in_the_curve(split: tuple[StepRecord, ...], reference: tuple[StepRecord, ...]) -> bool:
    """Return whether a step's loss differs from the reference's by more than 1 %, or is missing on one side."""
    ours, theirs = ({step.step: step.loss for step in steps} for steps in (split, reference))
    for step, right in theirs.items():
        loss = ours.get(step)
        if (loss is None) != (right is None):
            return True
        if loss is not None and right is not None and not abs(loss - right) <= VISIBLE * abs(right):
            return True
    return False
