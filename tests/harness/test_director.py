"""A fault is injected while the process is held, then recorded; then the process continues, and the fault is healed."""

import inspect
import threading
from dataclasses import dataclass

import pytest

from harness.engine.director import Director
from harness.engine.network import Network
from harness.engine.observer import Observer
from harness.engine.world import World
from harness.errors import HarnessError
from harness.plan.adversaries import Adversary
from harness.plan.faults import CutMessage, DropConnection, Partition
from harness.plan.faults.effects import Release
from harness.plan.faults.toxic import Toxic
from harness.plan.link_toxics import toxics_of
from harness.plan.links import LOOPBACK, LinkProfile
from harness.proxy.client import ProxyHandle
from harness.proxy.errors import NoSuchProxyError
from harness.trace.place import At
from splitlearn.config import TrainingConfig

DEADLINE = 30.0
HERE = At("client.forward.sent", 1, 0)


class NotedProxy:
    """Stands in for a proxy, and records the calls that it receives."""

    def __init__(self, trouble=None):
        self.done = []
        self.trouble = trouble

    def __getattr__(self, name):
        signature = inspect.signature(getattr(ProxyHandle, name))

        def do(*values):
            signature.bind(self, *values)
            if self.trouble == name:
                raise NoSuchProxyError("proxy not found")
            self.done.append((name, *values))

        return do


@dataclass(frozen=True)
class NotedFault:
    """Records when it is injected and healed, and whether the process had continued by then."""

    at: At
    name: str
    notes: list
    gone_on: threading.Event

    def script(self):
        self.notes.append(("inject", self.gone_on.is_set()))
        yield Release()
        assert self.gone_on.wait(DEADLINE)
        self.notes.append(("heal", self.gone_on.is_set()))


class Stage:
    """A director with an observer and one client; `pass_here` passes the point of the fault."""

    def __init__(self, faults, proxy, connect_probe):
        self.director = Director(faults)
        self.observer = Observer(tuple(fault.at for fault in faults), self._take)
        self.over = threading.Event()
        self.world = World({}, self.observer, TrainingConfig(), self.over)
        self.world.connect(Network(proxy, self.observer), None, None)
        self.probe = connect_probe(self.observer)

    def _take(self, event):
        if event.release is not None:
            self.director.take(event, self.world)

    def pass_here(self, at=HERE):
        self.probe.point(at.point, at.step, at.microbatch)

    def wait_for(self, point):
        return self.observer.wait_for(At(point), DEADLINE)

    def harness_points(self):
        return [event.point for event in self.observer.events if event.source in ("harness", "proxy")]


@pytest.fixture
def stage(connect_probe):
    opened = []

    def make(*faults, proxy=None):
        opened.append(Stage(faults, proxy or NotedProxy(), connect_probe))
        return opened[-1]

    yield make
    for each in opened:
        each.over.set()
        each.director.finish(DEADLINE)
        each.observer.__exit__(None, None, None)


def test_inject_then_note_then_release_then_heal(stage):
    notes, gone_on = [], threading.Event()
    on = stage(NotedFault(HERE, "noted", notes, gone_on))
    on.pass_here()
    noted_before_release = on.harness_points()
    gone_on.set()
    on.wait_for("fault.healed")
    assert ["fault.injected"] == noted_before_release
    assert [("inject", False), ("heal", True)] == notes
    injected = on.wait_for("fault.injected")
    assert ("noted", 1) == (injected.fields["fault"], injected.step)
    assert on.observer.events[injected.fields["held"]].point == HERE.point


@dataclass(frozen=True)
class NotedAdversary(Adversary):
    """Begins when the process continues, and ends at once, or fails with a reason."""

    trouble: str = ""
    kind, detail = "noted", "does nothing"

    def script(self):
        yield Release()
        if self.trouble:
            raise HarnessError(self.trouble)

    def shows(self, events):
        return True


@pytest.mark.parametrize(("trouble", "end"), [("", "adversary.ended"), ("it died", "adversary.gave_up")])
def test_the_trace_reports_an_adversary_as_such_and_not_as_a_fault(stage, trouble, end):
    adversary = NotedAdversary(HERE, trouble)
    on = stage(adversary)
    on.pass_here()
    ended = on.wait_for(end)
    assert ["adversary.began", end] == on.harness_points()
    assert (adversary.name, trouble) == (ended.fields["adversary"], ended.fields.get("reason", ""))


def test_every_fault_is_injected_once(stage):
    notes, gone_on = [], threading.Event()
    gone_on.set()
    on = stage(*(NotedFault(HERE, name, notes, gone_on) for name in ("first", "second")))
    for _ in range(3):
        on.pass_here()
    on.observer.wait_for(At("fault.healed"), DEADLINE, after=on.wait_for("fault.healed").number)
    fired = [event.fields["fault"] for event in on.observer.events if event.point == "fault.injected"]
    assert ["first", "second"] == fired


def test_a_dropped_connection_is_taken_again_before_the_process_goes_on(stage):
    proxy = NotedProxy()
    on = stage(DropConnection(HERE), proxy=proxy)
    on.pass_here()
    on.wait_for("fault.healed")
    assert [("disable",), ("enable",)] == proxy.done
    assert ["proxy.disabled", "proxy.enabled", "fault.injected", "fault.healed"] == on.harness_points()


def test_a_proxy_that_is_down_is_up_when_the_run_is_over(stage):
    proxy = NotedProxy()
    on = stage(Partition(HERE, 3600.0), proxy=proxy)
    on.pass_here()
    assert [("disable",)] == proxy.done
    on.over.set()
    on.wait_for("fault.healed")
    assert [("disable",), ("enable",)] == proxy.done


def test_a_cut_is_mended_when_the_client_has_noticed(stage):
    proxy = NotedProxy()
    fault = CutMessage(HERE, "upstream", 9)
    on = stage(fault, proxy=proxy)
    on.probe.point("client.call.failed")
    on.pass_here()
    toxic = Toxic("limit_data", "upstream", {"bytes": 9}, name=fault.name)
    assert [("add_toxic", toxic)] == proxy.done
    on.probe.point("client.call.failed")
    on.wait_for("fault.healed")
    assert [("add_toxic", toxic), ("remove_toxic", fault.name)] == proxy.done


def test_a_cut_that_nobody_noticed_is_unhealed(stage):
    on = stage(CutMessage(HERE, "upstream", 9))
    on.pass_here()
    on.over.set()
    assert "the run ended" == on.wait_for("fault.unhealed").fields["reason"]


def test_a_fault_that_the_proxy_refuses_lets_the_process_go_on_and_says_so(stage):
    on = stage(DropConnection(HERE), proxy=NotedProxy("disable"))
    on.pass_here()
    assert "proxy not found" == on.wait_for("fault.failed").fields["reason"]
    assert "fault.injected" not in on.harness_points()


def test_a_proxy_that_is_gone_when_a_fault_is_healed_says_so(stage):
    on = stage(Partition(HERE, 0.0), proxy=NotedProxy("enable"))
    on.pass_here()
    assert "proxy not found" == on.wait_for("fault.unhealed").fields["reason"]


def test_waiting_counts_later_events_only_and_does_not_outlive_the_run(stage):
    on = stage()
    on.observer.note("client", "client.call.failed")
    on.over.set()
    with pytest.raises(HarnessError, match="the run ended"):
        on.world.wait_for(At("client.call.failed"), on.observer.note("harness", "fault.injected"), DEADLINE)


@pytest.mark.parametrize(
    ("fault", "name", "detail"),
    [
        (DropConnection(HERE), "drop@client.forward.sent.1.0", "closes every connection"),
        (
            Partition(At("client.commit.decided", 4), 0.5),
            "partition-0.5s@client.commit.decided.4",
            "closes every connection and refuses new ones for 0.5 s",
        ),
        (
            CutMessage(At("client.step.started"), "downstream", 70),
            "cut-downstream-70@client.step.started",
            "closes the connection after 70 more bytes downstream",
        ),
    ],
)
def test_faults_describe_themselves(fault, name, detail):
    assert (name, detail) == (fault.name, fault.detail)


def test_a_link_is_latency_and_bandwidth_in_both_directions():
    toxics = toxics_of(LinkProfile("odd", 51, 3, 100, 200, "by hand"))
    assert (
        Toxic("latency", "upstream", {"latency": 25, "jitter": 3}, name="link_latency_upstream"),
        Toxic("bandwidth", "upstream", {"rate": 100}, name="link_bandwidth_upstream"),
        Toxic("latency", "downstream", {"latency": 26, "jitter": 3}, name="link_latency_downstream"),
        Toxic("bandwidth", "downstream", {"rate": 200}, name="link_bandwidth_downstream"),
    ) == toxics


def test_loopback_is_a_plain_proxy():
    assert () == toxics_of(LOOPBACK)


@dataclass(frozen=True)
class OddFault:
    """A fault with an arbitrary script."""

    at: At
    name: str
    script: object


def test_an_invalid_script_lets_the_process_continue_and_is_reported(stage):
    def raising():
        raise ValueError("no script")

    on = stage(OddFault(HERE, "odd", raising))
    on.pass_here()
    assert "no script" == on.wait_for("fault.failed").fields["reason"]


def test_a_script_that_releases_twice_is_unhealed(stage):
    on = stage(OddFault(HERE, "odd", lambda: (each for each in (Release(), Release()))))
    on.pass_here()
    assert "a script says `Release` once" in on.wait_for("fault.unhealed").fields["reason"]
