"""Whatever a broken program does, its simulated run ends with a violation."""

import pytest
from sim.worlds import CONFIG, scenario_of, simulated

from harness.plan.faults import Kill, Partition, Pause
from harness.sim.liveness import LIVENESS_SECONDS
from harness.sim.safety import Safety
from harness.sim.simulation import Simulation
from harness.sim.stub import stub_parts
from harness.trace.place import At
from splitlearn.client.trainer import Trainer
from splitlearn.trunk.service import TrunkService
from splitlearn.trunk.session import TrunkSession


@pytest.fixture
def undisturbed():
    """The outcome of a sound system, which must be had before a bug is planted."""
    outcome = Simulation(scenario_of(), stub_parts).run()
    assert outcome.violation is None
    return outcome


@pytest.mark.parametrize("status", [0, 3])
def test_a_trunk_that_exits(undisturbed, monkeypatch, status):
    def exits(*_):
        raise SystemExit(status)

    monkeypatch.setattr(TrunkSession, "backward", exits)
    assert simulated(scenario_of(), expected=undisturbed).violation


def test_a_trunk_whose_housekeeping_fails(undisturbed, monkeypatch):
    def fails(_):
        raise KeyError("idle")

    monkeypatch.setattr(TrunkService, "close_idle", fails)
    # Long enough that the trunk looks for idle sessions.
    long = scenario_of(Partition(At("client.forward.sent", 4, 1), 2.0))
    violation = simulated(long, expected=undisturbed).violation

    assert (violation.invariant, "KeyError" in violation.message) == ("completion", True)


def test_a_client_that_waits_for_no_time_for_ever(undisturbed, monkeypatch):
    def turns(self, *_):
        while True:
            self._runtime.clock.sleep(0.0)

    monkeypatch.setattr(Trainer, "_save", turns)
    violation = simulated(scenario_of(), expected=undisturbed).violation

    assert (violation.invariant, "time stands still" in violation.message) == ("liveness", True)


@pytest.fixture
def late_recovery(undisturbed, monkeypatch):
    """Return a function that makes the client sleep before it opens its session again."""
    recover = Trainer._recover

    def sleeps_first(seconds):
        def recovers(self):
            self._runtime.clock.sleep(seconds)
            recover(self)

        monkeypatch.setattr(Trainer, "_recover", recovers)

    return sleeps_first


@pytest.mark.parametrize(("more", "invariant"), [(1, "liveness"), (-10, None)])
def test_a_client_that_takes_too_long_once_its_faults_are_over(undisturbed, late_recovery, more, invariant):
    killed = scenario_of(Kill(At("trunk.backward.received", 5, 0), ("trunk",)))
    late_recovery(LIVENESS_SECONDS + more)
    # Calm, so that the client sleeps by the virtual time.
    violation = simulated(killed, expected=undisturbed, calm=True).violation

    assert (violation and violation.invariant) == invariant
    if invariant:
        assert "without a fault; still running: " in violation.message


@pytest.mark.parametrize("schedule", ["1f1b", "afab"])
def test_a_trunk_that_keeps_finished_microbatches(monkeypatch, schedule):
    config = CONFIG.but(gradient_accumulation_steps=4, schedule=schedule, window=2)
    monkeypatch.setattr(TrunkSession, "release", lambda *_: None)
    violation = Simulation(scenario_of(config=config), stub_parts).run().violation

    # All are open at once anyway before the first backward pass of "afab".
    assert str(violation).startswith("window: session 'run', step 0: the trunk keeps 3 microbatches") == (
        schedule == "1f1b"
    )


def test_the_time_of_a_fault_does_not_count(undisturbed):
    pauses = (Pause(At("client.step.started", step), "client", 200.0) for step in (1, 3, 5))
    outcome = simulated(scenario_of(*pauses), expected=undisturbed)

    assert outcome.violation is None
    assert outcome.seconds > 600.0


def test_an_invariant_has_a_name_of_the_table():
    with pytest.raises(AssertionError, match="a wish"):
        Safety(scenario_of(), None, lambda: 0.0).violated("a wish", "!")
