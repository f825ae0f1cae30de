"""Several clients at one simulated trunk: drawn, run, told apart, shrunk and printed."""

from collections import Counter
from dataclasses import replace

import pytest
from sim.worlds import CONFIG, scenario_of, simulated

from harness.plan.faults import CutMessage, DropConnection, Kill, NetworkFault
from harness.sim.case import Case, SimulatedIn
from harness.sim.draw_case import OTHER_CLIENTS_EVERY, case_of
from harness.sim.shrink import shrink
from harness.sim.states import states_of
from harness.trace.event import Event
from harness.trace.place import At
from splitlearn.trunk.service import TrunkService

OTHERS = tuple(CONFIG.but(max_steps=steps, learning_rate=rate) for steps, rate in ((5, 2e-3), (7, 3e-3), (6, 4e-3)))
FAULTS = (DropConnection(At("client.forward.sent", 2, 1)), Kill(At("client.backward.sent", 4, 1), ("trunk",)))


def applied(outcome, party, session):
    """Return the last step that each side of a session has applied."""
    return {
        event.source: event.step
        for event in outcome.events
        if event.point.endswith(".commit.applied") and (event.party == party or event.fields.get("session") == session)
    }


@pytest.mark.parametrize("count", [1, 2, 3])
def test_each_client_does_all_its_steps_whatever_happens_to_their_trunk(count):
    outcome = simulated(scenario_of(*FAULTS, other_clients=OTHERS[:count]), seed=3)

    assert outcome.violation is None
    assert outcome.unfired == ()
    assert len(outcome.finals) == 2 * (1 + count)
    assert applied(outcome, "client", "run") == {"client": CONFIG.max_steps - 1, "trunk": CONFIG.max_steps - 1}
    for number, config in enumerate(OTHERS[:count], start=2):
        last = config.max_steps - 1
        assert applied(outcome, f"client-{number}", f"run-{number}") == {"client": last, "trunk": last}


@pytest.mark.parametrize(
    "fault",
    [
        NetworkFault(At("trunk.checkpoint.written", occurrence=4), "half-open", "upstream"),
        CutMessage(At("client.backward.done", 1, 1), "upstream", 2000),
    ],
    ids=lambda fault: fault.name,
)
def test_a_network_that_breaks_at_the_first_clients_end_is_mended_for_the_others(fault):
    others = 2 * (CONFIG,)
    outcome = simulated(scenario_of(fault, config=CONFIG.but(max_steps=2), other_clients=others))

    assert outcome.violation is None
    points = [event.point for event in outcome.events]
    assert "proxy.toxic.added" in points
    assert points.index("proxy.toxic.removed") < len(points) - 100


def test_a_wrong_gradient_in_the_third_clients_session_is_found_there(monkeypatch):
    backward = TrunkService.backward

    def adds_more(self, request):
        reply = backward(self, request)
        if (request.key.session_id, request.key.step, request.key.microbatch) == ("run-3", 3, 1):
            self._held(request.key).session._parameters["weight"].grad.add_(1.0)
        return reply

    shared = scenario_of(other_clients=OTHERS)
    expected = simulated(shared)
    monkeypatch.setattr(TrunkService, "backward", adds_more)
    violation = simulated(shared, expected=expected).violation

    assert violation.invariant == "bits"
    assert "run-3" in violation.message


def test_an_eighth_of_the_drawn_schedules_has_one_to_three_other_clients():
    counts = [len(case_of(seed, "stub").scenario.other_clients) for seed in range(20 * OTHER_CLIENTS_EVERY)]
    shared = [count for count in counts if count]

    assert len(shared) == 20
    assert Counter(shared).keys() == {1, 2, 3}


def test_clients_that_a_failure_does_not_need_are_left_out_one_at_a_time(tmp_path):
    case = Case(scenario_of(*FAULTS, other_clients=OTHERS), SimulatedIn(0))
    needed = OTHERS[1]

    def fails(smaller):
        return needed in smaller.scenario.other_clients

    assert shrink(case, fails, tmp_path).case.scenario.other_clients == (needed,)


def test_a_session_is_in_a_state_of_its_own():
    step = Event(0, 0.0, "client", "client", "client.step.started", 4, None, {})
    others = [
        Event(1, 0.0, "client", "client-3", "client.commit.applied", 4, None, {}),
        Event(2, 0.0, "trunk", "trunk", "trunk.session.opened", 0, None, {"session": "run-3"}),
        Event(3, 0.0, "harness", "client-3", "process.started", None, None, {}),
    ]
    of_client_3 = replace(step, party="client-3")

    assert states_of([step]) <= states_of([*others, step])
    assert not states_of([of_client_3]) <= states_of([*others, of_client_3])
