"""A check does not apply to a run in which it has nothing to judge."""

from dataclasses import replace

import pytest
from hand_made_facts import applied, facts, step
from judged import NOT_APPLICABLE

from harness.judging.checks.lies import check_lies
from harness.judging.checks.other_clients import check_other_clients
from harness.judging.checks.traffic import check_traffic
from harness.judging.checks.work import check_work
from harness.judging.facts import Traffic


@pytest.mark.parametrize("check", [check_traffic, check_work])
def test_what_is_counted_for_several_clients_together_is_not_judged(check):
    steps = [step(0), step(1)]
    made = facts([*applied([0, 0, 1, 1])], steps, steps, traffic=Traffic(9, 9))
    shared = replace(made, scenario=replace(made.scenario, other_clients=2 * (made.scenario.config,)))
    assert NOT_APPLICABLE is check(shared).verdict


@pytest.mark.parametrize("check", [check_lies, check_other_clients])
def test_a_check_of_something_that_was_not_planned_does_not_apply(check):
    assert NOT_APPLICABLE is check(facts()).verdict
