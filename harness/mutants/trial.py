"""Runs one mutant on real processes and notes what the judge says of it."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from harness.engine.run import RunOutcome, run_scenario
from harness.engine.testbed import Testbed
from harness.errors import HarnessError
from harness.mutants.mutant import Mutant
from harness.mutants.planted import planted
from harness.mutants.program import NOT_PLANTED
from harness.recording.reader import read_run
from harness.recording.schema import StepRecord
from harness.trace.verdict import Verdict

__all__ = ["Trial", "try_mutant"]

# A loss that leaves the reference's by more than this would be seen in a curve.
VISIBLE = 0.01
# Whose tensors are whose: where a first divergence may lie if the fault is one party's.
LAYERS = {"client": ("bottom", "top", "client"), "trunk": ("trunk",)}


@dataclass(frozen=True)
class Trial:
    """What came of one mutant.

    Attributes:
        mutant: its name.
        verdict: of the run.
        checks: those that failed.
        step: of the first divergence; None if no bit differs, -1 after the last step.
        stage: of the first divergence; empty without one.
        tensor: of the first divergence; empty without one.
        latency: steps from the first wrong one to the first divergence; None without one.
        layer_right: whether the stage is one of the guilty party's; None if both are guilty, or no bit differs.
        cause: that the diagnosis names; empty if it names none.
        cause_right: whether that is the cause.
        in_the_curve: whether a step's loss differs by more than 1 %, or is missing.
        in_allclose: whether `torch.allclose` at its defaults finds a final weight; None if there are none to compare.
        seconds: that the run and its judgement took.
        finding: what the judge says first.
        likely_cause: what the diagnosis says.
    """

    mutant: str
    verdict: str
    checks: tuple[str, ...]
    step: int | None
    stage: str
    tensor: str
    latency: int | None
    layer_right: bool | None
    cause: str
    cause_right: bool
    in_the_curve: bool
    in_allclose: bool | None
    seconds: float
    finding: str
    likely_cause: str

    @property
    def caught(self) -> bool:
        """Whether the run failed."""
        return self.verdict == Verdict.FAIL.value


def try_mutant(mutant: Mutant, testbed: Testbed, on_wait: Callable[[str], None] = lambda _: None) -> Trial:
    """Run a mutant's scenario with the mutant planted, and return what the judge says."""
    started = monotonic()
    with planted(testbed, mutant) as infected:
        outcome = run_scenario(mutant.scenario, infected, on_wait=on_wait)
    return trial_of(mutant, outcome, monotonic() - started)


def trial_of(mutant: Mutant, outcome: RunOutcome, seconds: float) -> Trial:
    """Read what a run says of a mutant; raises `HarnessError` if the mutant has no target any more."""
    run = read_run(outcome.folder)
    if any(NOT_PLANTED in check.reading for check in outcome.checks):
        raise HarnessError(f"{mutant.name} {NOT_PLANTED}; {outcome.folder} has the log")
    first = run.equivalence.first_divergence if run.equivalence else None
    failed = tuple(check for check in outcome.checks if check.verdict is Verdict.FAIL)
    figures = {name: number for check in outcome.checks for name, number in check.figures.items()}
    stage, step = (first.stage or "", first.step) if first else ("", None)
    return Trial(
        mutant=mutant.name,
        verdict=outcome.verdict.value,
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
        finding=failed[0].reading if failed else "",
        likely_cause=run.verdict.likely_cause,
    )


def is_in_the_curve(split: tuple[StepRecord, ...], reference: tuple[StepRecord, ...]) -> bool:
    """Return whether a step's loss leaves the reference's by more than 1 %, or is missing on one side."""
    ours, theirs = ({step.step: step.loss for step in steps} for steps in (split, reference))
    for step, right in theirs.items():
        loss = ours.get(step)
        if (loss is None) != (right is None):
            return True
        if loss is not None and right is not None and not abs(loss - right) <= VISIBLE * abs(right):
            return True
    return False
