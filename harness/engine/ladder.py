"""Finds the faulty layer of a failed run: climbs the equivalence ladder to the first rung that fails."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from harness.engine.run import RunOutcome, run_scenario
from harness.engine.testbed import Testbed
from harness.plan.names import derived_name
from harness.plan.rungs import RUNGS, SIMULATED, on_rung
from harness.plan.scenario import Scenario
from harness.recording.reader import read_equivalence, read_verdict
from harness.recording.schema import DivergenceRecord, RungRun, VerdictWord
from harness.recording.writer import write_record
from harness.trace.verdict import Verdict

__all__ = ["locate"]

# What fails if every rung passes: the scenario with its link and faults.
WHOLE = "scenario"
# Folder of the rungs, in that of the run they explain.
FOLDER = "rungs"
WORDS: Mapping[Verdict, VerdictWord] = {Verdict.PASS: "PASS", Verdict.FAIL: "FAIL", Verdict.VOID: "VOID"}


class Simulate(Protocol):
    """Provides testbeds with simulated worlds."""

    def __call__(self, scenario: Scenario, seed: int | None = None) -> Testbed | None:
        """Return one for a scenario; None if the scenario cannot be simulated."""


def locate(
    outcome: RunOutcome, testbed: Testbed, simulate: Simulate, on_wait: Callable[[str], None] = lambda _: None
) -> None:
    """Add the rungs that were run, and the first that fails, to the recording of a run that diverges.

    Climbs no higher than the run itself. A rung keeps the diverging step's tensors whole, and those of its neighbours,
    for index, values and likely cause. If a rung below the one that fails was VOID, the faulty layer is unknown.

    Args:
        outcome: of the run.
        testbed: for rungs with real programs.
        simulate: provides the testbed for a scenario in a simulated world, drawn from a seed if one is given.
        on_wait: called with what is waited for.
    """
    equivalence = read_equivalence(outcome.folder)
    divergence = equivalence.first_divergence if equivalence else None
    if equivalence is None or divergence is None:
        return
    steps = _around(divergence.step, outcome.scenario) if divergence.step is not None else ()
    scenario = outcome.scenario
    climb = partial(run_scenario, record_steps=steps, runs=outcome.folder / FOLDER, on_wait=on_wait)
    rungs: list[RungRun] = []
    simulated = outcome.world_seed is not None
    for rung in RUNGS[: RUNGS.index(SIMULATED if simulated else scenario.topology) + 1]:
        climbed = on_rung(scenario, rung)
        place = simulate(climbed) if rung == SIMULATED else testbed
        if place is None:
            continue
        found = climb(climbed, testbed=place)
        rungs.append(_rung(rung, found))
        if found.verdict is Verdict.FAIL:
            break
    else:
        same = (simulate(scenario, outcome.world_seed) if simulated else None) or testbed
        found = _with_values(divergence, outcome, steps, partial(climb, testbed=same))
        rungs.append(_rung(WHOLE, outcome))
    first = replace(_first_divergence(found) or divergence, rung=_guilty(rungs))
    write_record(outcome.folder, replace(equivalence, first_divergence=first, ladder=tuple(rungs)))
    _take_cause(outcome, found)


def _around(step: int, scenario: Scenario) -> tuple[int, ...]:
    """Return a step and those beside it, as far as the run has them."""
    last = scenario.config.max_steps or step + 2
    return tuple(each for each in (step - 1, step, step + 1) if 0 <= each < last) if step >= 0 else ()


def _take_cause(outcome: RunOutcome, found: RunOutcome) -> None:
    """Give a run the likely cause that a run with whole tensors tells, if it tells one."""
    verdict, known = (read_verdict(each.folder) for each in (outcome, found))
    if known.cause:
        write_record(outcome.folder, replace(verdict, cause=known.cause, likely_cause=known.likely_cause))


def _guilty(rungs: Sequence[RungRun]) -> str | None:
    """Return the rung that fails, if every one below it holds."""
    *below, failed = rungs
    return failed.rung if all(rung.verdict == Verdict.PASS.value for rung in below) else None


def _with_values(
    divergence: DivergenceRecord, outcome: RunOutcome, steps: tuple[int, ...], climb: Callable[[Scenario], RunOutcome]
) -> RunOutcome:
    """Run the scenario itself once more for index and values, if these are unknown."""
    scenario = outcome.scenario
    if divergence.index is not None or set(steps) <= {*scenario.record_steps}:
        return outcome
    return climb(replace(scenario, name=derived_name(scenario.name, "-again")))


def _rung(name: str, outcome: RunOutcome) -> RungRun:
    return RungRun(name, WORDS[outcome.verdict], str(outcome.folder))


def _first_divergence(outcome: RunOutcome) -> DivergenceRecord | None:
    found = read_equivalence(outcome.folder)
    return found.first_divergence if found else None
