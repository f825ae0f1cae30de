"""Hostile peers alongside a run: they report to the trace and end with the run."""

import os
import threading
from types import SimpleNamespace

import pytest
from malformed import MIB, SECONDS

from harness.engine.observer import Observer
from harness.engine.script import RunningScript
from harness.errors import HarnessError
from harness.plan.adversaries import HostilePeers, KeepPace
from harness.trace.place import At
from splitlearn.config import TrainingConfig

PEERS = HostilePeers(At("client.step.started", 3), 500, 1)


class World:
    """What a fault may touch, of a run whose trunk is a target."""

    def __init__(self, target, observer, process, config=None):
        self.observer = observer
        self.config = config or TrainingConfig(model="tiny")
        self.over = threading.Event()
        self.parties = {"trunk": SimpleNamespace(name="trunk", lives=1, program=SimpleNamespace(pid=process))}
        observer.note("trunk", "trunk.server.ready", address=target.address)
        observer.note("trunk", "trunk.session.opened", session=target.session, incarnation=target.incarnation)


def perform(fault, since, world):
    """Carry a fault out, from its injection to its healing."""
    script = RunningScript(fault, since, world)
    script.inject()
    script.heal()


@pytest.fixture
def observer():
    with Observer((), lambda _event: None) as opened:
        yield opened


def test_hostile_peers_tell_the_trace_of_their_progress_and_the_trunks_memory(trained, observer, config):
    world = World(trained, observer, os.getpid(), config)
    since = observer.note("client", "client.step.started", step=3)
    pace = KeepPace(At("client.step.started", 4), 300)
    held = threading.Thread(target=RunningScript(pace, since, world).inject)
    held.start()
    perform(PEERS, since, world)
    held.join(SECONDS)

    told = [event for event in observer.events if event.point.startswith("fuzz.")]
    assert [0, 100, 200, 300, 400, 500] == [event.fields["answered"] for event in told[:-1]]
    assert all(event.fields["resident"] > MIB for event in told[:-1])
    assert (500, ()) == (told[-1].fields["sent"], told[-1].fields["findings"])
    assert all(PEERS.shows([event]) for event in told)
    assert not held.is_alive()


def test_hostile_peers_end_with_the_run(trained, observer):
    world = World(trained, observer, os.getpid())
    world.over.set()
    with pytest.raises(HarnessError, match="the run ended when 0 of 500"):
        perform(PEERS, observer.note("client", "client.step.started", step=3), world)


def test_hostile_peers_end_when_the_trunk_is_gone_and_nobody_waits_for_them(trained, observer):
    gone = 1 << 22  # above every process id
    world = World(trained, observer, gone)
    with pytest.raises(HarnessError, match="the trunk is gone when 0 of 500"):
        perform(PEERS, observer.note("client", "client.step.started", step=3), world)
    observer.note("harness", "adversary.gave_up", adversary=PEERS.name, reason="the trunk is gone")
    with pytest.raises(HarnessError, match="ended before 300 answers"):
        perform(KeepPace(At("client.step.started", 4), 300), observer.events[0], world)
