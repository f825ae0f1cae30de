"""Clocks of simulated machines: no two agree, and nothing depends on it."""

from itertools import pairwise

import pytest
from sim.worlds import scenario_of

from harness.sim.choices import Choices
from harness.sim.kernel import Kernel
from harness.sim.machine import MOST_DRIFT, Machine
from harness.sim.process import Process
from harness.sim.simulation import Simulation
from harness.sim.stub import stub_parts
from splitlearn.trunk.sessions import Sessions
from splitlearn.wire.heartbeat import Heartbeat


def told_by(machine, choices, seconds=10.0):
    """Return the clock's times before and after a sleep, and after that also the virtual time."""
    kernel, found = Kernel(), []

    def look(process):
        clock = Machine(machine, choices).runtime_for(process).clock
        found.append(clock.now())
        clock.sleep(seconds)
        found.append(clock.now())
        found.append(kernel.now)
        return 0

    process = Process(kernel, machine, look, lambda _process: None)
    kernel.run(lambda: not process.alive, 100.0)
    assert process.error is None
    return found


def test_every_machine_has_a_time_of_its_own():
    ours, theirs = (told_by(machine, Choices(1)) for machine in ("client", "trunk"))

    for before, after, virtual in (ours, theirs):
        assert after - before == pytest.approx(10.0)
        assert 10.0 / (1 + MOST_DRIFT) < virtual < 10.0
    assert abs(ours[0] - theirs[0]) > 1000.0
    assert ours[2] != theirs[2]
    assert ours == told_by("client", Choices(1))


def test_clocks_of_a_calm_world_show_the_virtual_time():
    assert [0.0, 10.0, 10.0] == told_by("client", Choices(1, calm=True))


def test_what_repeats_does_so_by_the_clock_of_its_machine():
    kernel, came = Kernel(), []

    def repeat(process):
        clock = Machine("client", Choices(1)).runtime_for(process).clock
        with clock.repeating(lambda: came.append(clock.now()), 1.0, "repeated"):
            clock.sleep(3.5)
        return 0

    process = Process(kernel, "client", repeat, lambda _process: None)
    kernel.run(lambda: not process.alive, 100.0)

    assert [1.0, 1.0] == pytest.approx([after - before for before, after in pairwise(came)])
    assert kernel.now < 3.5


def test_a_comparison_of_two_machines_times_is_found(monkeypatch):
    scenario, sent = scenario_of(idle_timeout=12.0, timeout=900.0), {}
    beat, get = Heartbeat.beat, Sessions.get

    def beats(self):
        sent["at"] = self._calls.clock.now()
        beat(self)

    def gets(self, name, incarnation):
        assert "at" not in sent or abs(self._clock.now() - sent["at"]) < 60.0
        return get(self, name, incarnation)

    def violated(*, calm):
        sent.clear()
        return Simulation(scenario, stub_parts, calm=calm, step_seconds=14.0).run().violation

    assert violated(calm=False) is None
    monkeypatch.setattr(Heartbeat, "beat", beats)
    monkeypatch.setattr(Sessions, "get", gets)
    assert violated(calm=True) is None
    assert violated(calm=False) is not None
