"""Runs in a simulated world, as the commands ask for them."""

from collections.abc import Collection, Sequence
from functools import partial

from harness.engine.testbed import Testbed
from harness.errors import ScenarioError
from harness.plan.scenario import Scenario
from harness.sim.execution import execute
from harness.sim.scope import must_be_simulated, why_not_simulated

__all__ = ["in_simulation", "not_simulated", "simulate"]


def in_simulation(testbed: Testbed, scenario: Scenario, seed: int | None = None) -> Testbed:
    """Return the testbed for one scenario in a simulated world, whose seed is the scenario's own if none is given."""
    drawn = scenario.config.seed if seed is None else seed
    return testbed.simulated(partial(execute, seed=drawn), drawn)


def simulate(testbed: Testbed, scenario: Scenario, seed: int | None = None) -> Testbed | None:
    """Return such a testbed, or None if the scenario cannot be simulated."""
    return None if why_not_simulated(scenario) else in_simulation(testbed, scenario, seed)


def not_simulated(scenarios: Sequence[Scenario], named: Collection[str]) -> dict[str, str]:
    """Return by name why some of the scenarios, as those of a group, cannot be simulated.

    Args:
        scenarios: to be run.
        named: what was asked for by its own name.

    Raises:
        ScenarioError: one that was asked for by its name cannot be simulated, or none of them can.
    """
    reasons = {scenario.name: why_not_simulated(scenario) for scenario in scenarios}
    cannot = {name: reason for name, reason in reasons.items() if reason}
    for scenario in scenarios:
        if scenario.name in named or len(scenarios) == 1:
            must_be_simulated(scenario)
    if len(cannot) == len(reasons):
        raise ScenarioError(f"none of these scenarios can be simulated: {'; '.join(sorted(set(cannot.values())))}")
    return cannot
