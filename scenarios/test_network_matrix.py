"""Every fault of the network at every RPC, request and reply; pairs of faults; and many in one long run."""

import pytest

from harness.catalogue import CATALOGUE
from harness.plugin import scenario_parameters
from harness.quick import by_kind, spread

NETWORK, PAIRS, HAULS = CATALOGUE["network-matrix"], CATALOGUE["pairs"], CATALOGUE["long-hauls"]


@pytest.mark.parametrize("scenario", scenario_parameters(NETWORK, spread(NETWORK, by_kind)))
def test_a_broken_network_changes_nothing(run_scenario, scenario):
    run_scenario(scenario)


@pytest.mark.parametrize("scenario", scenario_parameters(PAIRS, PAIRS[:6]))
def test_two_faults_change_nothing(run_scenario, scenario):
    run_scenario(scenario)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("scenario", scenario_parameters(HAULS, HAULS[1:]))
def test_faults_all_along_change_nothing_and_memory_stays_flat(run_scenario, scenario):
    run_scenario(scenario)
