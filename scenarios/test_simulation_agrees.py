"""The simulated world is held to reality: the same faults there and on real programs end alike."""

import pytest

from harness.commands.agree import disagreements
from harness.plan.comparable import comparable
from harness.plugin import scenario_parameters

SCHEDULES = [comparable(seed) for seed in range(100)]
# Of most kinds, and none that waits for a deadline.
QUICK = [SCHEDULES[seed] for seed in (2, 20, 42, 89)]


@pytest.mark.parametrize("scenario", scenario_parameters(SCHEDULES, QUICK))
def test_both_worlds_end_alike(harness_testbed, scenario):
    seed = SCHEDULES.index(scenario)
    assert [] == disagreements(scenario, seed, harness_testbed)
