"""Connections that break at every stage of a step: recovered without a bit of difference."""

import pytest

from harness.plan.catalogue import CATALOGUE


@pytest.mark.parametrize("scenario", CATALOGUE["fault-recovery"], ids=lambda scenario: scenario.name)
def test_broken_connections_change_nothing(run_scenario, scenario):
    outcome = run_scenario(scenario)
    faults = next(check for check in outcome.checks if check.name == "faults")
    assert faults.figures["fired"] == len(scenario.faults)
