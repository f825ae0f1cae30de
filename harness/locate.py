"""Finds the guilty layer of a failed run: climbs the equivalence ladder and says which rung fails first."""

import json
from dataclasses import replace

from harness.links import LOOPBACK
from harness.run import RunOutcome, run_scenario
from harness.scenario import Scenario, Topology
from harness.workshop import Workshop

__all__ = ["locate"]

RUNGS: tuple[Topology, ...] = ("local", "direct", "proxy")


def locate(outcome: RunOutcome, workshop: Workshop) -> None:
    """Add rung, index and values to the run's first divergence; does nothing for a run that diverges nowhere."""
    path = outcome.folder / "equivalence.json"
    equivalence = json.loads(path.read_text()) if path.exists() else {"first_divergence": None}
    divergence = equivalence["first_divergence"]
    if divergence is None:
        return
    for topology in RUNGS:
        found = _divergence(_rung(outcome.scenario, topology), divergence["step"], workshop)
        if found is not None:
            equivalence["first_divergence"] = {**found, "rung": topology}
            break
    else:
        # Every rung holds by itself: it takes the link or the faults of the scenario.
        equivalence["first_divergence"] = {**divergence, "rung": "proxy"}
    path.write_text(json.dumps(equivalence, indent=2) + "\n")


def _rung(scenario: Scenario, topology: Topology) -> Scenario:
    name = f"{scenario.name}-rung-{topology}"
    return replace(scenario, name=name, topology=topology, link=LOOPBACK, faults=(), checks=("equivalence",))


def _divergence(scenario: Scenario, step: int, workshop: Workshop) -> dict[str, object] | None:
    whole = (step,) if step >= 0 else ()
    folder = run_scenario(scenario, workshop, whole_steps=whole).folder
    path = folder / "equivalence.json"
    if not path.exists():
        return None
    found: dict[str, object] | None = json.loads(path.read_text())["first_divergence"]
    return found
