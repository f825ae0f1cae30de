"""Programs that are killed at any point of the protocol and restarted end with the reference's bits."""

import pytest

from harness.plan.catalogue import CATALOGUE
from harness.plan.quick import by_point, spread
from harness.plugin import scenario_parameters

KILLS = CATALOGUE["kill-matrix"]


@pytest.mark.parametrize("scenario", scenario_parameters(KILLS, spread(KILLS, by_point)))
def test_a_party_killed_at_any_point_changes_nothing(run_scenario, scenario):
    run_scenario(scenario)
