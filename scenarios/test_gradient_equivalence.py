"""Every loss, gradient, weight and optimizer state of the split run has the bits of the single-process run."""

import pytest

from harness.plan.catalogue import CATALOGUE
from harness.plan.quick import all_pairs
from harness.plugin import scenario_parameters

GRID = CATALOGUE["equivalence-grid"]


@pytest.mark.parametrize("scenario", scenario_parameters(GRID, all_pairs(GRID)))
def test_grid_of_cuts_accumulation_clipping_codecs_and_optimizers(run_scenario, scenario):
    run_scenario(scenario)


@pytest.mark.parametrize("scenario", CATALOGUE["equivalence-more"], ids=lambda scenario: scenario.name)
def test_what_the_grid_leaves_out(run_scenario, scenario):
    run_scenario(scenario)


@pytest.mark.parametrize("scenario", CATALOGUE["equivalence"], ids=lambda scenario: scenario.name)
def test_a_hundred_steps(run_scenario, scenario):
    outcome = run_scenario(scenario)
    equivalence = next(check for check in outcome.checks if check.name == "equivalence")
    assert equivalence.figures["worst ulp"] == 0
