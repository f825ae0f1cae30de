"""Runs in the simulated world: undisturbed, and with every kind of fault."""

import pytest
from sim.worlds import CONFIG, scenario_of, simulated

from harness.plan.faults import (
    Absence,
    CutMessage,
    DropConnection,
    Kill,
    MessageFault,
    NetworkFault,
    Partition,
    Pause,
    PowerLoss,
    Restart,
)
from harness.plan.faults.effects import Until
from harness.sim.kernel import Kernel, StuckError
from harness.sim.simulation import undisturbed
from harness.trace.place import At
from splitlearn.trunk.session import TrunkSession

FORWARD, SERVED = At("client.forward.sent", 4, 1), At("trunk.backward.received", 5, 0)
BACKWARD = At("client.backward.sending", 3, 0)
# After the client's last call, so that the fault makes no call fail.
END = At("client.training.finished")
FAULTS = (
    Kill(SERVED, ("trunk",)),
    Kill(FORWARD, ("client",)),
    Kill(At("trunk.checkpoint.written", 6), ("client", "trunk")),
    Restart(FORWARD, "client"),
    Restart(SERVED, "trunk"),
    Pause(SERVED, "trunk", 4.0),
    DropConnection(FORWARD),
    Partition(FORWARD, 2.0),
    CutMessage(FORWARD, "upstream", 30),
    *(NetworkFault(FORWARD, failure, "downstream") for failure in ("half-open", "reset", "delay-spike", "slow-close")),
    NetworkFault(FORWARD, "bandwidth-collapse", "upstream"),
    *(
        MessageFault(BACKWARD, failure, "Backward")
        for failure in ("lose-request", "lose-reply", "duplicate", "late", "corrupt-request", "corrupt-reply")
    ),
)


def test_an_undisturbed_run_applies_every_step_once_on_both_sides():
    outcome = simulated(scenario_of())

    assert outcome.violation is None
    for party in ("client", "trunk"):
        applied = [event.step for event in outcome.events if event.point == f"{party}.commit.applied"]
        assert applied == list(range(CONFIG.max_steps))
    assert all(bits.compared for bits in outcome.bits.values())
    assert len(outcome.finals) == 2


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_shows_and_heals_and_changes_no_bit(fault):
    outcome = simulated(scenario_of(fault), seed=1)

    assert outcome.violation is None
    assert outcome.unfired == ()
    points = [event.point for event in outcome.events]
    assert "fault.injected" in points
    assert "fault.healed" in points
    place = next(event.number for event in outcome.events if event.point == fault.at.point)
    assert fault.shows(outcome.events[place:])


def test_a_client_that_is_away_for_long_loses_its_place_and_comes_back():
    outcome = simulated(scenario_of(Absence(FORWARD, 60.0), idle_timeout=5.0))

    assert outcome.violation is None
    assert "client.session.lost" in [event.point for event in outcome.events]


@pytest.mark.parametrize("fault", [NetworkFault(END, "reset", "upstream"), CutMessage(END, "upstream", 9)], ids=str)
def test_a_network_is_mended_though_nobody_noticed_that_it_was_broken(fault):
    outcome = simulated(scenario_of(fault))

    points = [event.point for event in outcome.events]
    assert points.count("proxy.toxic.added") == points.count("proxy.toxic.removed") == 1
    assert "fault.unhealed" in points


@pytest.mark.parametrize(
    "fault",
    [
        CutMessage(BACKWARD, "upstream", 20, "Backward"),
        NetworkFault(BACKWARD, "reset", "upstream", "Backward"),
        NetworkFault(BACKWARD, "half-open", "upstream", "Backward"),
    ],
    ids=lambda fault: fault.kind,
)
def test_a_fault_of_one_rpc_is_mended_though_the_client_waits_for_another_that_fails(fault):
    scenario = scenario_of(fault, config=CONFIG.but(gradient_accumulation_steps=3))
    expected = simulated(undisturbed(scenario))
    for seed in range(8):
        outcome = simulated(scenario, seed, expected=expected)
        assert outcome.violation is None
        assert "fault.healed" in [event.point for event in outcome.events]
        assert fault.shows(outcome.events)


@pytest.mark.parametrize(
    "fault", [NetworkFault(END, "reset", "upstream"), CutMessage(END, "upstream", 9), Absence(END, 9)]
)
def test_a_script_that_is_abandoned_ends_quietly(fault):
    script = fault.script()
    while not isinstance(next(script), Until):
        pass

    script.close()


def test_a_power_loss_that_did_not_come_in_time_does_not_come_later_when_nobody_would_restart_the_trunk():
    stopping = PowerLoss(At("trunk.server.stopping"), "trunk", 1)
    restart = Restart(At("trunk.checkpoint.writing", occurrence=3), "trunk")
    outcome = simulated(scenario_of(stopping, restart, config=CONFIG.but(max_steps=7)))

    assert outcome.violation is None
    assert "machine.crashed" not in [event.point for event in outcome.events]


def test_a_client_that_is_killed_together_with_a_trunk_that_has_ended_is_started_again():
    """Found by `harness explore`, seed 5033474."""
    restart = Restart(At("client.session.opening"), "trunk")
    kill = Kill(At("client.connection.changed"), ("client", "trunk"))

    assert simulated(scenario_of(restart, kill), calm=True).violation is None


def test_power_that_is_kept_at_the_moment_at_which_it_was_to_be_lost_is_kept():
    """The run ends while the restarted trunk changes its disk (found by `harness explore`, seed 4000782)."""
    last = At("client.backward.done", 6, 1)
    restart, starting = Restart(last, "trunk"), PowerLoss(At("trunk.server.starting", occurrence=2), "trunk", 3)
    outcome = simulated(scenario_of(restart, starting, config=CONFIG.but(max_steps=7, save_interval=2)), calm=True)

    assert outcome.violation is None
    assert "machine.crashed" not in [event.point for event in outcome.events]


def test_two_clients_train_at_the_same_trunk():
    both = scenario_of(Kill(SERVED, ("trunk",)), other_clients=(CONFIG.but(max_steps=5, learning_rate=2e-3),))
    outcome = simulated(both)

    assert outcome.violation is None
    assert len(outcome.finals) == 4


def test_a_network_that_breaks_for_another_client_alone_is_mended():
    """The first client is done, and makes no call that could fail."""
    late = At("trunk.checkpoint.saved", occurrence=4)
    fault = NetworkFault(late, "reset", "downstream")
    both = scenario_of(fault, config=CONFIG.but(max_steps=2), other_clients=(CONFIG.but(save_interval=1),))

    outcome = simulated(both)

    assert outcome.violation is None
    assert ["fault.injected", "fault.healed"] == [event.point for event in outcome.events if "fault" in event.point]


def test_a_gradient_that_joins_twice_is_found_in_its_step(monkeypatch):
    backward = TrunkSession.backward

    def joins_again(self, at, features_grad_BTH):
        known = self._tape.entries[at.microbatch].smashed_grad_BTH is not None
        result = backward(self, at, features_grad_BTH)
        if known:
            self._parameters["weight"].grad.add_(1.0)
        return result

    monkeypatch.setattr(TrunkSession, "backward", joins_again)
    duplicate = MessageFault(BACKWARD, "duplicate", "Backward")
    outcome = simulated(scenario_of(duplicate))

    assert outcome.violation.invariant == "bits"
    assert "of step 3" in outcome.violation.message


def test_the_same_seed_gives_the_same_trace_and_another_seed_another():
    scenario = scenario_of(*FAULTS[:2])
    one, same, other = (simulated(scenario, seed).trace_hash for seed in (7, 7, 8))

    assert one == same
    assert one != other


def test_a_world_that_goes_on_for_too_long_is_stuck_at_a_time_not_after_a_duration():
    kernel = Kernel()
    kernel.after(290.0, lambda: None)
    kernel.run(lambda: kernel.now == 290.0, 300.0)
    kernel.after(20.0, lambda: None)
    with pytest.raises(StuckError, match=r"the run has not finished by 300 s of virtual time"):
        kernel.run(lambda: False, 300.0)


def test_a_world_in_which_nothing_can_happen_any_more_is_stuck():
    kernel = Kernel()
    with pytest.raises(StuckError, match="no event is scheduled"):
        kernel.run(lambda: False, 10.0)
