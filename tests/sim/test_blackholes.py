"""Connections that swallow everything for good: only deadlines and a new connection help."""

import pytest
from sim.worlds import scenario_of, simulated

from harness.errors import HarnessError
from harness.plan.faults import Blackhole
from harness.plan.links import LOOPBACK
from harness.sim.ablating import violation_without
from harness.sim.case import Case, SimulatedIn
from harness.sim.choices import Choices
from harness.sim.draw_case import case_of
from harness.sim.kernel import Kernel
from harness.sim.network import SimNetwork
from harness.trace.place import At

FAULT = Blackhole(At("client.forward.sent", 3, 1))


class Nobody:
    """A listener that has nothing to say."""

    def arrived(self, call, answer):
        """Do nothing."""


@pytest.fixture
def network():
    made = SimNetwork(Kernel(), Choices(0, calm=True), LOOPBACK)
    made.listen(Nobody())
    return made


def test_after_a_few_deadlines_the_client_opens_a_new_connection():
    outcome = simulated(scenario_of(FAULT))

    assert outcome.violation is None
    assert FAULT.shows(outcome.events)
    failed = [event.fields["code"] for event in outcome.events if event.point == "client.call.failed"]
    assert {"DEADLINE_EXCEEDED"} <= set(failed)
    assert outcome.seconds < 60


@pytest.mark.parametrize(
    ("safeguard", "invariant"), [("deadline-of-an-attempt", "liveness"), ("new-connection", "completion")]
)
def test_without_deadlines_or_new_connections_the_run_fails(safeguard, invariant):
    case = Case(scenario_of(FAULT), SimulatedIn(0))

    assert violation_without("", case) is None
    assert invariant == violation_without(safeguard, case).invariant


def test_the_client_does_not_hear_that_the_other_side_has_closed_it(network):
    heard = []
    network.dial(lambda: heard.append("swallowing"))
    network.swallow()
    network.dial(lambda: heard.append("sound"))
    network.disconnect()

    assert ["sound"] == heard


def test_what_has_no_connection_cannot_swallow(network):
    with pytest.raises(HarnessError):
        network.swallow()
    network.dial(lambda: None)

    assert 1 == network.swallow()
    with pytest.raises(HarnessError):
        network.swallow()


def test_drawn_schedules_have_connections_that_swallow():
    faults = [fault for seed in range(30) for fault in case_of(seed, "stub").scenario.faults]

    assert any(isinstance(fault, Blackhole) for fault in faults)
