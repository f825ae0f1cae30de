"""Links on which a constant deadline would pass before a message has arrived."""

import pytest

from harness.cli import main
from harness.plan.catalogue import CATALOGUE


@pytest.mark.harness_full
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scenario", CATALOGUE["slow-links"], ids=lambda scenario: scenario.name)
def test_a_slow_link_needs_patience_only(run_scenario, scenario):
    run_scenario(scenario)


def test_messages_that_take_longer_than_the_timeout_arrive_in_simulation(tmp_path):
    assert 0 == main(["run", "slow-links", "--sim", "--jobs", "1", "--runs", str(tmp_path)])
