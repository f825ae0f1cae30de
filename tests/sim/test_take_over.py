"""Two clients of one session on one disk, of whom the first only hung; and clients that compute for long."""

from contextlib import contextmanager
from pathlib import Path

import pytest
from sim.worlds import CONFIG, scenario_of, simulated

from harness.plan.faults import Absence, Kill, OvertakenRequest, PowerLoss, TakeOver
from harness.plan.links import LTE
from harness.sim.ablating import violation_without
from harness.sim.case import Case, SimulatedIn
from harness.sim.choices import Choices
from harness.sim.kernel import Kernel
from harness.sim.machine import Machine
from harness.sim.observer import SimObserver
from harness.sim.party import SimParty
from harness.sim.process import Process
from harness.trace.place import At
from splitlearn.client.claim import Claim
from splitlearn.errors import CheckpointError

SAVING = At("client.checkpoint.started")
IN_A_STEP = At("client.backward.sending", 4, 1)
HOLDING_THE_LOCK = At("client.checkpoint.writing", 6)
BETWEEN_THE_HALVES = At("trunk.checkpoint.saved", 6)
AT_ONCE, AT_THE_END = 0.01, 60.0
SLOW = {"step_seconds": 14.0}


def points_of(outcome, party):
    return [event.point for event in outcome.events if event.party == party]


@pytest.mark.parametrize(
    "fault",
    [
        *(TakeOver(at, seconds) for at in (IN_A_STEP, BETWEEN_THE_HALVES) for seconds in (AT_ONCE, AT_THE_END)),
        # Not for longer: its successor waits for the lock.
        *(TakeOver(HOLDING_THE_LOCK, seconds) for seconds in (AT_ONCE, 5.0)),
    ],
    ids=lambda fault: fault.name,
)
def test_a_superseded_client_does_no_harm_and_ends(fault):
    outcome = simulated(scenario_of(fault))

    assert outcome.violation is None
    assert fault.shows(outcome.events)
    assert "fault.healed" in [event.point for event in outcome.events]
    assert "client.training.finished" in points_of(outcome, "client")
    assert "client.training.finished" not in points_of(outcome, "superseded client")


def test_a_superseded_client_that_crashes_is_a_violation(monkeypatch):
    held = Claim.held

    @contextmanager
    def crashes(self):
        try:
            with held(self):
                yield
        except CheckpointError:
            raise ZeroDivisionError from None

    monkeypatch.setattr(Claim, "held", crashes)
    outcome = simulated(scenario_of(TakeOver(BETWEEN_THE_HALVES, AT_THE_END)))

    assert outcome.violation.invariant == "completion"
    assert "ZeroDivisionError" in outcome.violation.message


def test_a_machine_without_power_runs_no_superseded_client_either():
    outcome = simulated(scenario_of(TakeOver(IN_A_STEP, AT_THE_END), PowerLoss(At("client.step.started", 7), "client")))

    assert outcome.violation is None
    crash = next(event.number for event in outcome.events if event.point == "machine.crashed")
    assert "superseded client" not in {event.party for event in outcome.events[crash:]}


def test_without_the_claim_a_superseded_client_removes_its_successors_checkpoints():
    case = Case(scenario_of(TakeOver(BETWEEN_THE_HALVES, AT_THE_END)), SimulatedIn(0))

    assert violation_without("", case) is None
    assert violation_without("claim", case).invariant == "final state"


def test_a_client_that_always_computes_for_longer_than_the_trunk_waits_finishes_only_with_heartbeats():
    case = Case(scenario_of(idle_timeout=12.0, timeout=900.0), SimulatedIn(0, **SLOW))

    outcome = case.run()
    assert outcome.violation is None
    assert "client.session.lost" not in points_of(outcome, "client")
    assert outcome.seconds > CONFIG.max_steps * SLOW["step_seconds"]
    assert violation_without("heartbeat", case).invariant == "completion"


def test_a_slow_client_that_is_away_loses_its_place_and_comes_back():
    outcome = simulated(scenario_of(Absence(IN_A_STEP, 60.0), idle_timeout=12.0, timeout=900.0), **SLOW)

    assert outcome.violation is None
    assert "client.session.lost" in points_of(outcome, "client")


def test_a_client_that_has_ended_is_not_superseded():
    outcome = simulated(scenario_of(Kill(IN_A_STEP, ("client",)), TakeOver(At("trunk.server.stopping"), 1.0)))

    assert outcome.violation is None
    assert "process.superseded" not in points_of(outcome, "client")


def test_the_disk_serves_a_living_process_beside_a_dead_one():
    kernel, machine = Kernel(), Machine("client", Choices(0))
    written = []

    def write(process):
        runtime = machine.runtime_for(process)
        process.sleep(1.0)
        runtime.disk.write(Path("/file"), b"whole")
        written.append(process.name)
        return 0

    def idle(process):
        machine.runtime_for(process)
        process.sleep(1e6)
        return 0

    first = Process(kernel, "first", write, lambda _process: None)
    second = Process(kernel, "second", idle, lambda _process: None)
    kernel.after(0.5, second.kill)
    kernel.run(lambda: not first.alive, 10.0)

    assert first.error is None
    assert written == ["first"]


def test_a_superseded_process_can_be_the_one_before_whose_change_the_power_is_lost():
    kernel = Kernel()
    observer = SimObserver(kernel, (), lambda _event: None, lambda _event: None)
    party = SimParty("client", Machine("client", Choices(0)), kernel, observer)

    def program(process, again):
        disk = party.machine.runtime_for(process).disk
        process.sleep(1.0)
        if not again:
            disk.write(Path("/file"), b"late")
        return 0

    party.program = program
    party.start()
    kernel.after(0.5, party.supersede)
    kernel.after(0.6, lambda: party.lose_power(1))
    kernel.after(9.0, party.superseded.go_on)
    kernel.run(lambda: "machine.crashed" in [event.point for event in observer.events], 10.0)

    assert party.superseded.have_ended
    assert not party.machine.disk.exists(Path("/file"))


def test_a_client_that_gave_way_to_one_that_lost_its_power_is_started_again():
    """Of two clients that start at once, the one that hung opens the session last, and so trains; then it is lost."""
    faults = (
        Kill(At("client.commit.decided", 2), ("client", "trunk")),
        TakeOver(At("trunk.server.starting", occurrence=2), 0.05),
        PowerLoss(At("trunk.compute.done", 2, 0), "client", 8),
    )
    config = CONFIG.but(max_steps=3, gradient_accumulation_steps=1)
    outcome = simulated(scenario_of(*faults, config=config, link=LTE), calm=True)

    assert outcome.violation is None
    crashed = next(event for event in outcome.events if event.point == "machine.crashed")
    after = [event for event in outcome.events if event.number > crashed.number and event.party == "client"]
    assert (crashed.fields["life"], after[0].point, after[0].fields["life"]) == (3, "process.started", 4)


def test_a_client_that_is_stopped_for_as_long_as_it_would_retry_goes_on():
    """The trunk restarts meanwhile, so the call in flight has failed, and it had before."""
    away = Absence(At("trunk.checkpoint.writing"), 60.0)
    faults = (away, Kill(At("trunk.checkpoint.written"), ("trunk",)), OvertakenRequest(SAVING, "SyncTrainingState"))
    outcome = simulated(scenario_of(*faults, idle_timeout=12.0, timeout=900.0), **SLOW)

    assert outcome.violation is None
    assert away.shows(outcome.events)
