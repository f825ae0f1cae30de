"""A trunk that lies: whatever it answers, the client tries again or stops with a message."""

import pytest

from harness.plan.catalogue import CATALOGUE
from harness.plugin import scenario_parameters

HOSTILE = CATALOGUE["hostile-trunk"]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("scenario", scenario_parameters(HOSTILE, HOSTILE[:1]))
def test_lies_are_retried_or_refused(run_scenario, scenario):
    outcome = run_scenario(scenario)
    figures = next(check.figures for check in outcome.checks if check.name == "lies")
    assert scenario.adversaries[0].count == figures["lies"]
    assert figures["distinct lies"] > figures["lies"] / 2
    assert figures["retried"] > figures["refused"] > 0
