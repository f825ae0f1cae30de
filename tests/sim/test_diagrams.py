"""What a found case shows: the diagram of its messages, and what the fault without which it passes leads to first."""

from dataclasses import dataclass

import pytest
from sim.worlds import scenario_of, simulated

from harness.commands.showing_cases import show_case
from harness.plan.faults import DiskFault, Kill, MessageFault, Partition, PowerLoss
from harness.plan.faults.effects import Release, Wait
from harness.plan.faults.fault import Fault
from harness.sim.ablating import violation_without
from harness.sim.ablations import ABLATIONS
from harness.sim.case import Case, SimulatedIn
from harness.sim.consequence import first_consequence
from harness.sim.diagram import diagram
from harness.sim.outcome import Outcome
from harness.trace.event import Event
from harness.trace.place import At

DUPLICATE = MessageFault(At("client.backward.sending", 3, 0), "duplicate", "Backward")
LATE = MessageFault(At("client.forward.sending", 3, 0), "late", "Compute")
KILL = Kill(At("trunk.backward.received", 5, 0), ("trunk",))
OTHER = Kill(At("client.forward.sent", 2, 0), ("client",))


@dataclass(frozen=True)
class Hold(Fault):
    """A fault that does nothing but hold a process."""

    kind = detail = "hold"

    def script(self):
        yield Wait(0.5)
        yield Release()

    def shows(self, _):
        return True


def lines_of(outcome, *words):
    return [line for line in diagram(outcome, 10_000).splitlines() if all(word in line for word in words)]


def test_a_duplicated_request_arrives_twice():
    first, again = lines_of(simulated(scenario_of(DUPLICATE)), "Backward 3.0", "▶ trunk")

    assert first.split()[1] == again.split()[1]
    assert "  at 0." in first
    assert again.endswith("▶ trunk  again")
    assert lines_of(simulated(scenario_of(DUPLICATE)), "relay.request.doubled Backward")


def test_a_request_that_is_kept_arrives_when_it_is_delivered():
    outcome = simulated(scenario_of(LATE))
    (kept,), (delivered,) = (lines_of(outcome, f"relay.request.{what}") for what in ("kept", "delivered"))
    (again,) = lines_of(outcome, "again")

    assert kept < again < delivered


def test_a_request_that_never_arrives_is_lost():
    assert lines_of(simulated(scenario_of(Partition(At("client.forward.sent", 4, 1), 1.0))), "✗  lost")


def test_what_ends_with_the_world_is_not_drawn():
    case = Case(scenario_of(DUPLICATE), SimulatedIn(1))
    assert violation_without("", case) is None
    with ABLATIONS["backward-once"].switched_off():
        outcome = case.run()

    assert outcome.violation
    assert lines_of(outcome, "on its way at the end")
    assert not lines_of(outcome, "closed")
    assert not lines_of(outcome, "lost")


@pytest.mark.parametrize(
    ("fault", "party", "point"),
    [
        (KILL, "client", "client.call.failed"),
        (Partition(At("client.forward.sent", 4, 1), 1.0), "client", "client.c"),
        (PowerLoss(At("trunk.checkpoint.written", 6), "trunk"), "client", "client.call.failed"),
        (DUPLICATE, "trunk", "trunk.backward"),
        (LATE, "client", "client.session.opening"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_difference_begins_with_what_a_fault_leads_to(fault, party, point):
    with_it, without = (simulated(scenario_of(*faults), seed=1) for faults in ((OTHER, fault), (OTHER,)))
    told = first_consequence(with_it, without, [OTHER.name])

    assert f"events of the {party} are equal; then {point}" in told
    assert fault.name not in told


@pytest.mark.parametrize(
    "fault",
    [Hold(At("client.step.started", 2)), DiskFault(At("client.training.finished"), "failed-rename", "client")],
    ids=lambda fault: fault.name,
)
def test_being_held_is_no_consequence(fault):
    with_it, without = (simulated(scenario_of(*faults), calm=True) for faults in ((fault,), ()))

    assert with_it.seconds > 0
    assert first_consequence(with_it, without, []) == "every party passes the same points in both"


def test_a_fault_of_both_that_ends_otherwise_is_a_consequence():
    def outcome_with(*points):
        return Outcome(events=[Event(0, 1.5, "harness", "", point, None, None, {"fault": "drop"}) for point in points])

    told = first_consequence(outcome_with("fault.unhealed"), outcome_with("fault.healed"), ["drop"])
    assert told == (
        "the first 0 events of the harness are equal; then fault.unhealed of drop at 1.5000 s in this run, "
        "fault.healed of drop at 1.5000 s in the other"
    )


def test_that_a_failed_run_ends_is_told_only_if_there_is_nothing_else():
    def outcome_with(*places):
        return Outcome(events=[Event(0, t, party, party, point, 3, 1, {}) for t, party, point in places])

    ends = outcome_with((1.0, "trunk", "trunk.a"), (3.0, "client", "client.b"))
    goes_on = outcome_with((1.0, "trunk", "trunk.a"), (2.0, "trunk", "trunk.c"), (3.0, "client", "client.d"))

    assert "client.b.3.1 at 3.0000 s in this run, client.d.3.1" in first_consequence(ends, goes_on, [])
    assert "nothing more in this run, trunk.c.3.1" in first_consequence(
        outcome_with((1.0, "trunk", "trunk.a")), goes_on, []
    )


def test_a_case_is_shown_with_what_the_fault_leads_to():
    case, neighbour = (Case(scenario_of(*faults), SimulatedIn(1)) for faults in ((OTHER, KILL), (OTHER,)))
    said = []
    show_case(case, neighbour, said.append)

    assert said[-1].startswith(f"without {KILL.name} it passes: the first ")
    assert "then client.call.failed at " in said[-1]
