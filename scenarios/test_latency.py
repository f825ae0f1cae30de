"""The same training over slow links: the bits do not change, and a step waits for two round trips."""

import pytest

from harness.plan.catalogue import CATALOGUE

# Each waits until nothing else runs.
pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize("scenario", CATALOGUE["latency"], ids=lambda scenario: scenario.name)
def test_slow_links_change_nothing_but_time(run_scenario, scenario):
    run_scenario(scenario)
