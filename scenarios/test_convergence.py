"""A GPT-2 of a few million parameters learns real text, with exactly the reference's loss curve."""

import pytest

from harness.plan.catalogue import CATALOGUE


@pytest.mark.parametrize("scenario", CATALOGUE["convergence"], ids=lambda scenario: scenario.name)
def test_loss_falls_along_the_references_curve(run_scenario, scenario):
    run_scenario(scenario)
