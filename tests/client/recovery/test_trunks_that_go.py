"""A trunk that restarts, stops or disappears changes no bits, and costs no more steps than it must."""

import signal
from dataclasses import replace

import pytest
from client.runs import (
    CrashError,
    CrashingProbe,
    ScriptedTransport,
    assert_same,
    direct,
    final_state,
    remote_trunk,
    train,
)
from trunk.server import service_of

from splitlearn.client.stopping import StopRequest
from splitlearn.errors import TrunkUnavailableError
from splitlearn.runtime.simulated import ManualClock
from splitlearn.trunk.dispatch import Dispatch
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Code, Reason, WireError


class Restarting(CrashingProbe):
    """Replaces the trunk by a new one at each of the given points."""

    def __init__(self, transport, config, *places):
        super().__init__()
        self.transport, self.config, self.places = transport, config, list(places)

    def point(self, name, step=None, microbatch=None, **fields):
        super().point(name, step, microbatch, **fields)
        if (name, step) in self.places:
            self.places.remove((name, step))
            self.transport.dispatch = Dispatch(service_of(self.config, boot=9 - len(self.places)))


@pytest.mark.parametrize(
    "places",
    [
        [("client.step.started", 0)],
        [("client.backward.sent", 6)],
        [("client.forward.received", 4)],
        [("client.commit.applied", 7)],
        [("client.checkpoint.started", 8)],
        [("client.checkpoint.writing", 8)],
        [("client.session.closing", 12)],
        [("client.forward.sent", 1), ("client.forward.sent", 1), ("client.backward.received", 9)],
    ],
    ids=str,
)
def test_a_trunk_that_was_restarted_takes_the_client_back_to_the_newest_checkpoint(run, undisturbed, places):
    transport = direct(service_of(run))
    probe = Restarting(transport, run, *places)
    result = train(run, remote_trunk(transport, run), probe=probe)

    assert not probe.places
    assert (12, False) == (result.steps, result.stopped)
    assert_same(undisturbed, final_state(run))


class Stopping(CrashingProbe):
    """Tells the trunk to stop at a point; a new one replaces it as soon as no session is open."""

    def __init__(self, transport, config, *place):
        super().__init__()
        self.transport, self.config, self.stop_at = transport, config, place

    def point(self, name, step=None, microbatch=None, **fields):
        super().point(name, step, microbatch, **fields)
        if (name, step) == self.stop_at:
            self.transport.dispatch.service.stopping = True
        if name == "client.session.opening" and self.transport.dispatch.service.stopping:
            assert self.transport.dispatch.service.training_sessions == []
            self.transport.dispatch = Dispatch(service_of(self.config, boot=2))

    @property
    def done(self):
        return [step for name, step in self.passed if name == "client.commit.applied"]


@pytest.mark.parametrize(
    "place",
    [
        ("client.session.opened", 0),
        ("client.step.started", 5),
        ("client.forward.sent", 8),
        ("client.backward.sent", 6),
        ("client.backward.received", 6),
        ("client.commit.applied", 7),
        ("client.checkpoint.started", 8),
        ("client.step.started", 11),
        ("client.session.closing", 12),
    ],
    ids=str,
)
def test_a_trunk_that_is_told_to_stop_costs_no_step(run, undisturbed, place):
    """The client saves at the end of its step, closes, and continues from there."""
    transport = direct(service_of(run))
    probe = Stopping(transport, run, *place)
    result = train(run, remote_trunk(transport, run), probe=probe)

    assert (12, False) == (result.steps, result.stopped)
    assert [*range(12)] == probe.done
    assert "client.session.lost" not in dict(probe.passed)
    assert_same(undisturbed, final_state(run))


def test_a_client_that_is_told_to_stop_while_its_trunk_stops_waits_for_nobody(run):
    stop = StopRequest(ManualClock())

    class Both(Stopping):
        def point(self, name, step=None, microbatch=None, **fields):
            super().point(name, step, microbatch, **fields)
            if (name, step) == ("client.checkpoint.saved", 6):
                stop._ask(signal.SIGTERM, None)

    transport = direct(service_of(run))
    result = train(run, remote_trunk(transport, run), probe=Both(transport, run, "client.step.started", 5), stop=stop)

    assert (6, True) == (result.steps, result.stopped)
    assert "the newest checkpoint is of step 6" in result.saved


def test_a_client_that_died_is_not_waited_for_by_a_trunk_that_stops(run, undisturbed):
    """Its successor is told to come back later, and the trunk can end."""
    service = service_of(run)
    with pytest.raises(CrashError):
        train(run, remote_trunk(direct(service), run), probe=CrashingProbe("client.step.started", 5))
    service.stopping = True
    transport = direct(service)

    def start_again():
        assert service.training_sessions == []
        transport.dispatch = Dispatch(service_of(run, boot=2))

    assert service.training_sessions == ["default"]
    train(run, remote_trunk(transport, run, start_again), resume=True)
    assert_same(undisturbed, final_state(run))


def test_a_trunk_that_loses_the_session_again_and_again_is_given_up(run):
    def forget(method, _request):
        if method == "Compute":
            transport.dispatch = Dispatch(service_of(run))

    transport = ScriptedTransport(service_of(run), forget)
    with pytest.raises(TrunkUnavailableError, match="loses this session repeatedly") as caught:
        train(run, remote_trunk(transport, run))

    assert "nothing was saved" in str(caught.value)


def test_a_run_whose_trunk_is_gone_when_all_is_saved_is_done(run, undisturbed, caplog):
    def be_gone(method, request):
        closing = method == "SyncTrainingState" and request.action == pb.SyncTrainingStateRequest.ACTION_CLOSE
        return WireError(Reason.TRANSPORT, "gone", Code.UNAVAILABLE) if closing else None

    link = remote_trunk(ScriptedTransport(service_of(run), be_gone), run)
    link._calls.policy = replace(link._calls.policy, retry_timeout=0.0)
    result = train(run, link)

    assert (12, False) == (result.steps, result.stopped)
    assert "could not be told that the session ends: SyncTrainingState: 1 attempts failed" in caplog.text
    assert_same(undisturbed, final_state(run))
