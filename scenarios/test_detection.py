"""The client notices silence in time and outlasts it, with few calls and the same bits."""

import pytest

from harness.plan.catalogue import CATALOGUE
from harness.plugin import scenario_parameters

SCENARIOS = CATALOGUE["detection"]
LONG = ("outage-60s", "dead-connection", "silent-trunk-long-calls", "narrow-line")


@pytest.mark.parametrize(
    "scenario", scenario_parameters(SCENARIOS, [scenario for scenario in SCENARIOS if scenario.name not in LONG])
)
def test_silence_is_noticed_and_outlasted(run_scenario, scenario):
    run_scenario(scenario)
