"""A client without deadlines, and a trunk that gives up no place, are detected."""

import pytest

from harness.engine.run import run_scenario
from harness.plan.catalogue import scenarios_named
from harness.trace.verdict import Verdict


@pytest.mark.parametrize(
    ("mutant", "name", "found"),
    [
        ("wait-without-a-deadline", "net-Compute-request-half-open-upstream", "detection"),
        ("keep-every-place", "absent-client", "liveness"),
    ],
)
def test_silence_that_is_not_noticed_fails(planted_testbed, mutant, name, found):
    (scenario,) = scenarios_named(name)

    outcome = run_scenario(scenario, planted_testbed(mutant))

    assert {found} == {check.name for check in outcome.checks if check.verdict is Verdict.FAIL}
