"""Trainings that Hypothesis draws, any shape, cut, text and setting, on the real programs and through the proxy."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from harness.properties.trainings import trainings

FEW, MANY = 4, 60


@pytest.mark.timeout(900)
def test_any_training_has_the_bits_of_the_uncut_model(run_scenario, pytestconfig):
    """The same few every time; with `--full`, many more. A failing run names the command that runs it again."""
    many = pytestconfig.getoption("harness_full")

    @settings(
        max_examples=MANY if many else FEW,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],  # shrinking takes hundreds of runs; `tests/properties` does it in one process
        suppress_health_check=list(HealthCheck),
    )
    @given(trainings("proxy"))
    def holds(scenario):
        # A compressed tensor of a few numbers may be larger than the tensor itself, which `traffic` would not accept.
        run_scenario(replace(scenario, checks=tuple(check for check in scenario.checks if check != "traffic")))

    holds()
