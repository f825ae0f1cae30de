"""Several clients at one trunk, strangers kept out by TLS and token, and the export of the trained model."""

import pytest

from harness.plan.catalogue import CATALOGUE


@pytest.mark.parametrize("scenario", CATALOGUE["other-parties"], ids=lambda scenario: scenario.name)
def test_other_parties_change_nothing(run_scenario, scenario):
    run_scenario(scenario)
