"""Requests of the present incarnation that arrive when their step is over: they are refused and do no harm."""

import pytest
from sim.worlds import scenario_of, simulated

from harness.plan.faults import OvertakenRequest
from harness.sim.ablating import violation_without
from harness.sim.case import Case, SimulatedIn
from harness.sim.draw_case import case_of
from harness.trace.place import At

FAULTS = (
    OvertakenRequest(At("client.forward.sending", 3, 1), "Compute"),
    OvertakenRequest(At("client.backward.sending", 3, 0), "Backward"),
    OvertakenRequest(At("client.checkpoint.started", 3), "SyncTrainingState"),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.method)
def test_a_request_whose_step_is_over_is_refused(fault):
    outcome = simulated(scenario_of(fault))

    assert outcome.violation is None
    assert fault.shows(outcome.events)
    late = next(event for event in outcome.events if event.point == "relay.request.delivered")
    assert "STEP_IN_PAST" == late.fields["reason"]
    applied = [event.step for event in outcome.events[: late.number] if event.point == "trunk.commit.applied"]
    assert fault.at.step - ("checkpoint" in fault.at.point) <= applied[-1]


def test_without_the_check_of_the_step_it_does_harm():
    case = Case(scenario_of(FAULTS[1]), SimulatedIn(0))

    assert violation_without("", case) is None
    assert violation_without("step-in-progress", case) is not None


def test_drawn_schedules_hold_requests_of_every_method_back():
    faults = [fault for seed in range(60) for fault in case_of(seed, "stub").scenario.faults]
    held = [fault for fault in faults if isinstance(fault, OvertakenRequest)]

    assert {fault.method for fault in FAULTS} == {fault.method for fault in held}
