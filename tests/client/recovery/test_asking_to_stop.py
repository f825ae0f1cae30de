"""A run that is asked to stop saves, and continues later."""

import os
import signal

import pytest
from client.runs import (
    CrashError,
    CrashingProbe,
    assert_same,
    direct,
    fail,
    final_state,
    local_trunk,
    remote_trunk,
    train,
)
from trunk.server import service_of

from splitlearn.client.stopping import StopRequest
from splitlearn.runtime.simulated import ManualClock
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.outcome import Failed


@pytest.mark.parametrize("point", ["client.step.started", "client.backward.sent", "client.commit.applied"])
def test_a_run_that_is_asked_to_stop_saves_and_goes_on_later(run, undisturbed, point):
    stop = StopRequest(ManualClock())

    class Asking(CrashingProbe):
        def point(self, name, step=None, microbatch=None, **fields):
            super().point(name, step, microbatch, **fields)
            if (name, step) == (point, 6):
                stop.received = signal.SIGTERM

    result = train(run, local_trunk(run), probe=Asking(), stop=stop)
    assert (7, True) == (result.steps, result.stopped)
    assert "the newest checkpoint is of step 7" in result.saved
    assert 12 == train(run, local_trunk(run), resume=True).steps
    assert_same(undisturbed, final_state(run))


def test_a_second_signal_ends_at_once():
    stop = StopRequest(ManualClock())
    stop._ask(signal.SIGTERM, None)
    with pytest.raises(KeyboardInterrupt):
        stop._ask(signal.SIGINT, None)


def test_a_signal_is_taken_though_nobody_reads_what_is_said(monkeypatch):
    monkeypatch.setattr(os, "write", lambda *_: fail(BrokenPipeError()))
    stop = StopRequest(ManualClock())
    with stop.listening():
        os.kill(os.getpid(), signal.SIGTERM)

    assert signal.SIGTERM == stop.received


def test_a_stop_in_between_does_not_push_the_only_common_checkpoint_out(run, undisturbed):
    """A save at an extra step, then a crash between its two halves, then one between the halves of the next save."""
    stop = StopRequest(ManualClock())
    service = service_of(run, probe=CrashingProbe("trunk.checkpoint.saved", 10))

    class Asking(CrashingProbe):
        def point(self, name, step=None, microbatch=None, **fields):
            super().point(name, step, microbatch, **fields)
            if (name, step) == ("client.step.started", 9):
                stop._ask(signal.SIGTERM, None)

    with pytest.raises(CrashError):
        train(run, remote_trunk(direct(service), run), probe=Asking(), stop=stop)
    service = service_of(run, probe=CrashingProbe("trunk.checkpoint.saved", 12), boot=2)
    with pytest.raises(CrashError):
        train(run, remote_trunk(direct(service), run), resume=True)
    train(run, remote_trunk(direct(service_of(run, boot=3)), run), resume=True)

    assert_same(undisturbed, final_state(run))


def test_a_run_that_waits_for_its_trunk_stops_without_it(run):
    """Earlier checkpoints remain; when the grace period is over, it waits no longer."""
    stop = StopRequest(ManualClock(), grace=0.0)
    transport = direct(service_of(run))

    class Gone:
        def call(self, _method, _request, _timeout):
            if not stop.received:
                stop._ask(signal.SIGTERM, None)
            return Failed(WireError(Reason.TRANSPORT, "gone", Code.UNAVAILABLE))

    class Leaving(CrashingProbe):
        def point(self, name, step=None, microbatch=None, **fields):
            if (name, step) == ("client.backward.sending", 9):
                link._calls.transport = Gone()

    link = remote_trunk(transport, run, stop.raise_if_asked)
    result = train(run, link, probe=Leaving(), stop=stop)

    assert (9, True) == (result.steps, result.stopped)
    assert "the newest checkpoint is of step 8" in result.saved
