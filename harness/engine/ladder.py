"""Finds the guilty layer of a failed run: climbs the equivalence ladder and says which rung fails first."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from harness.engine.run import RunOutcome, run_scenario
from harness.engine.testbed import Testbed
from harness.plan.rungs import RUNGS, on_rung
from harness.plan.scenario import Scenario
from harness.trace.verdict import Verdict

__all__ = ["locate"]

# What fails when every rung holds by itself: the scenario, with its link and its faults.
WHOLE = "scenario"
# In the folder of the run that they explain.
FOLDER = "rungs"
Json = Mapping[str, Any]


def locate(outcome: RunOutcome, testbed: Testbed, on_wait: Callable[[str], None] = lambda _: None) -> None:
    """Add the rungs that were run, and the first that fails, to a run's recording; nothing to one that never diverges.

    Climbs no higher than the run itself was. A rung is run with the tensors of the step whole, for index and values.
    Where a rung below the one that fails was VOID, the guilty one is not known.
    """
    equivalence = _equivalence(outcome)
    divergence = equivalence.get("first_divergence")
    if divergence is None:
        return
    steps = (divergence["step"],) if divergence["step"] >= 0 else ()
    scenario = outcome.scenario
    climb = partial(run_scenario, testbed=testbed, record_steps=steps, runs=outcome.folder / FOLDER, on_wait=on_wait)
    rungs: list[Json] = []
    for rung in RUNGS[: RUNGS.index(scenario.topology) + 1]:
        found = climb(on_rung(scenario, rung, steps))
        rungs.append(_rung(rung, found))
        if found.verdict is Verdict.FAIL:
            first = _equivalence(found).get("first_divergence") or divergence
            break
    else:
        first = _with_values(divergence, outcome, steps, climb)
        rungs.append(_rung(WHOLE, outcome))
    located = {**equivalence, "first_divergence": {**first, "rung": _guilty(rungs)}, "ladder": rungs}
    (outcome.folder / "equivalence.json").write_text(json.dumps(located, indent=2) + "\n")


def _guilty(rungs: Sequence[Json]) -> str | None:
    """Return the rung that fails, if every one below it holds."""
    *below, failed = rungs
    return failed["rung"] if all(rung["verdict"] == Verdict.PASS.value for rung in below) else None


def _with_values(
    divergence: Json, outcome: RunOutcome, steps: tuple[int, ...], climb: Callable[[Scenario], RunOutcome]
) -> Json:
    """Run the scenario itself once more for index and values, where they are not known."""
    scenario = outcome.scenario
    if divergence["index"] is not None or set(steps) <= {*scenario.record_steps}:
        return divergence
    again = replace(
        scenario,
        name=f"{scenario.name}-again",
        replay_with=f"{scenario.replay} --record-steps {' '.join(map(str, steps))}",
    )
    return _equivalence(climb(again)).get("first_divergence") or divergence


def _rung(name: str, outcome: RunOutcome) -> Json:
    return {"rung": name, "verdict": outcome.verdict.value, "folder": str(outcome.folder)}


def _equivalence(outcome: RunOutcome) -> dict[str, Any]:
    path = outcome.folder / "equivalence.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found
