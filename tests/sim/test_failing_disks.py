"""Disks of simulated machines that fail more than once, and who is started again because of it."""

import pytest
from sim.worlds import CONFIG, scenario_of, simulated

from harness.plan.faults import DISK_FAILURES, PARTIES, DiskFault, Kill
from harness.sim.draw_case import case_of
from harness.sim.simulation import Simulation
from harness.sim.stub import stub_parts
from harness.trace.place import At

AT_WORK = At("client.backward.sending", 2, 0)
OFTEN = 5


@pytest.mark.parametrize("victim", PARTIES)
@pytest.mark.parametrize("failure", DISK_FAILURES)
def test_a_run_outlasts_a_disk_that_fails_for_long(failure, victim):
    fault = DiskFault(AT_WORK, failure, victim, OFTEN)
    outcome = simulated(scenario_of(fault))

    assert outcome.violation is None
    assert OFTEN == sum(event.point == "disk.failed" and event.party == victim for event in outcome.events)
    assert "process.failed" in [event.point for event in outcome.events]


def test_without_room_not_even_a_line_is_appended():
    outcome = simulated(scenario_of(DiskFault(AT_WORK, "no-room", "client", OFTEN)))

    assert {"append", "create"} == {event.fields["change"] for event in outcome.events if event.point == "disk.failed"}


@pytest.mark.parametrize(
    ("faults", "supervised"),
    [
        ((Kill(AT_WORK, ("client",)),), set()),
        ((DiskFault(AT_WORK, "full", "client"),), {"client"}),
        ((DiskFault(AT_WORK, "full", "trunk"),), {"trunk", "client", "client-2"}),
    ],
)
def test_only_who_depends_on_a_failing_disk_is_started_again(faults, supervised):
    world = Simulation(scenario_of(*faults, other_clients=(CONFIG,)), stub_parts)

    assert supervised == {name for name in ("trunk", "client", "client-2") if world.party(name).supervised}


def test_drawn_disks_fail_once_or_for_long():
    faults = [fault for seed in range(100) for fault in case_of(seed, "stub").scenario.faults]

    assert {1, 2, 4, 8} == {fault.times for fault in faults if isinstance(fault, DiskFault)}
