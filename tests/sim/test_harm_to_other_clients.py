"""Clients besides the first come to harm by themselves: they recover, and nobody else notices."""

import pytest
from sim.worlds import CONFIG, scenario_of, simulated

from harness.errors import ScenarioError
from harness.plan.faults import HARMS, OtherClientFault
from harness.sim.draw_case import case_of
from harness.trace.place import At

OTHER = CONFIG.but(learning_rate=2 * CONFIG.learning_rate)
PLACE = At("trunk.backward.done", 4, 0)


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("client", [2, 3])
def test_a_client_that_comes_to_harm_finishes_all_the_same(client, harm):
    fault = OtherClientFault(PLACE, client, harm)
    outcome = simulated(scenario_of(fault, other_clients=(OTHER, OTHER)))

    assert outcome.violation is None
    assert fault.shows(outcome.events)
    points = {(event.party, event.point) for event in outcome.events}
    assert {(party, "client.training.finished") for party in ("client", "client-2", "client-3")} <= points
    assert "fault.healed" in [event.point for event in outcome.events]
    hurt = {event.party for event in outcome.events if event.point in {"process.killed", "process.paused"}}
    assert hurt <= {f"client-{client}"}


@pytest.mark.parametrize("harm", ["kill", "restart"])
def test_it_continues_from_its_own_checkpoint(harm):
    outcome = simulated(scenario_of(OtherClientFault(PLACE, 2, harm), other_clients=(OTHER,)))

    opened = [event.step for event in outcome.events if event.point == "client.session.opened"]
    assert [0, 0] == opened[:2]
    assert 3 == len(opened)
    assert opened[2] > 0


@pytest.mark.parametrize("client", [1, 3])
def test_a_client_that_does_not_exist_comes_to_no_harm(client):
    with pytest.raises(ScenarioError, match=f"there is no client-{client}"):
        scenario_of(OtherClientFault(PLACE, client, "kill"), other_clients=(OTHER,))


def test_drawn_schedules_harm_other_clients_where_there_are_some():
    schedules = [case_of(seed, "stub").scenario for seed in range(200)]
    faults = [fault for each in schedules for fault in each.faults if isinstance(fault, OtherClientFault)]

    assert set(HARMS) == {fault.harm for fault in faults}
    assert {2, 3} <= {fault.client for fault in faults}
