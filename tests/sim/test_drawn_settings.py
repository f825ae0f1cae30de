"""Settings that drawn schedules differ in: codecs, clipping, optimizers, links, and fetching the trunk's gradients."""

import pytest
from sim.worlds import CONFIG, scenario_of, simulated

from harness.plan.faults import Kill, MessageFault
from harness.sim.arms import ARMS
from harness.sim.draw_case import LINKS, case_of
from harness.trace.place import At

EVERY_STEP = tuple(range(CONFIG.max_steps))
FETCHING = At("client.gradients.sending", 3)
# Schedules that are enough to draw everything, and undisturbed runs that they may need.
DRAWN, MOST_UNDISTURBED = 400, 60


@pytest.fixture(scope="module", params=list(ARMS))
def drawn(request):
    """Return the name of an arm, and schedules drawn for it."""
    return request.param, [case_of(seed, request.param).scenario for seed in range(DRAWN)]


def test_few_undisturbed_runs_serve_all_schedules(drawn):
    _, schedules = drawn
    settings = {(str(each.config), str(each.other_clients), each.record_steps) for each in schedules}

    assert 20 < len(settings) <= MOST_UNDISTURBED


def test_every_variant_and_every_link_is_drawn(drawn):
    arm, schedules = drawn

    for variant in ARMS[arm].variants:
        assert any(variant.items() <= each.config.model_dump().items() for each in schedules), variant
    assert set(LINKS) == {each.link for each in schedules}


def test_gradients_are_fetched_and_faults_meet_that(drawn):
    _, schedules = drawn
    faults = [fault for each in schedules if each.record_steps for fault in each.faults]

    assert any(isinstance(fault, MessageFault) and fault.method == "GetGradients" for fault in faults)
    assert {"client.gradients.received", "trunk.gradients.received"} <= {fault.at.point for fault in faults}
    assert not any(
        ".gradients." in fault.at.point for each in schedules if not each.record_steps for fault in each.faults
    )


@pytest.mark.parametrize("failure", ["lose-request", "lose-reply", "duplicate", "late", "corrupt-reply"])
def test_a_message_about_gradients_may_come_to_harm(failure):
    fault = MessageFault(FETCHING, failure, "GetGradients")
    outcome = simulated(scenario_of(fault, record_steps=EVERY_STEP))

    assert outcome.violation is None
    assert fault.shows(outcome.events)


def test_a_party_may_die_while_gradients_are_fetched():
    outcome = simulated(scenario_of(Kill(At("trunk.gradients.received", 5), ("trunk",)), record_steps=EVERY_STEP))

    assert outcome.violation is None
    assert outcome.unfired == ()
