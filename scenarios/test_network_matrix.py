"""Every fault of the network at every RPC, request and reply; pairs of faults; and many in one long run."""

import pytest

from harness.plan.catalogue import CATALOGUE
from harness.plan.quick import by_kind, spread
from harness.plugin import scenario_parameters
from harness.trace.verdict import Verdict

NETWORK, PAIRS = CATALOGUE["network-matrix"], CATALOGUE["pairs"]
HAULS, STORMS, FLIPS = CATALOGUE["long-hauls"], CATALOGUE["storms"], CATALOGUE["flips"]


@pytest.mark.parametrize("scenario", scenario_parameters(NETWORK, spread(NETWORK, by_kind)))
def test_a_broken_network_changes_nothing(run_scenario, scenario):
    run_scenario(scenario)


@pytest.mark.parametrize("scenario", scenario_parameters(FLIPS, FLIPS[::13]))
def test_altered_bits_anywhere_in_the_stream_change_nothing(run_scenario, scenario):
    run_scenario(scenario)


@pytest.mark.parametrize("scenario", scenario_parameters(PAIRS, PAIRS[:6]))
def test_two_faults_change_nothing(run_scenario, scenario):
    run_scenario(scenario)


LONG, SHORT = HAULS


def test_a_fault_every_few_steps_changes_nothing(run_scenario):
    run_scenario(SHORT)


@pytest.mark.harness_full
@pytest.mark.timeout(1200)
def test_a_fault_every_few_steps_changes_nothing_for_long_and_memory_stays_flat(run_scenario):
    outcome = run_scenario(LONG)
    assert Verdict.PASS is next(check for check in outcome.checks if check.name == "memory").verdict


@pytest.mark.timeout(900)
@pytest.mark.parametrize("scenario", scenario_parameters(STORMS, STORMS[:1]))
def test_storms_of_every_fault_change_nothing(run_scenario, scenario):
    run_scenario(scenario)
