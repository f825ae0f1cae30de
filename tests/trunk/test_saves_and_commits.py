"""Saves and commits that come late, twice, or when they cannot be carried out."""

import pytest
from trunk.calling import opened, refusal, requests_of, saving
from trunk.server import hello_of, opening_of, service_of

from splitlearn.checkpoint import CheckpointStore
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Reason
from splitlearn.wire.messages import key_message
from splitlearn.wire.trunk_link import Position


def test_a_save_that_comes_late_writes_nothing(config):
    """It names the step that it is for."""
    service = service_of(config)
    key = key_message("default", opened(service, config).incarnation, Position(3, 0, 1))
    save = pb.SyncTrainingStateRequest(key=key, action=pb.SyncTrainingStateRequest.ACTION_SAVE)

    assert Reason.STEP_IN_FUTURE is refusal(service.sync_training_state, save).reason
    assert not list(config.save_dir.rglob("step-*"))


def test_a_repeated_save_is_answered_and_not_written_again(config, monkeypatch):
    """A disk slower than a call's deadline must not be retried forever."""
    service = service_of(config)
    request = saving(opened(service, config).incarnation)
    first = service.sync_training_state(request)
    monkeypatch.setattr(CheckpointStore, "save", None)

    assert first == service.sync_training_state(request)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_half_goes_on_only_with_the_threads_it_was_computed_with(config, threads, caplog):
    first = service_of(config)
    incarnation = opened(first, config).incarnation
    first.sync_training_state(saving(incarnation))
    again = service_of(config.but(threads=threads), boot=2)
    hello = hello_of(config.but(threads=threads))
    request = opening_of(hello, replaces=incarnation, resume_steps=[0])

    if threads == 1:
        assert 0 == again.open_session(request).applied_step
    else:
        assert "trunk threads = 1, now it is 2" in refusal(again.open_session, request).message
        assert "trunk threads = 1, now it is 2" in caplog.text
    reader = opening_of(hello, client="reads", reader=True, resume_steps=[0], resume_session_id="default")
    reader.session_id = "reads"
    assert 0 == again.open_session(reader).applied_step, "who only reads goes on with nothing"


def test_a_refused_request_does_not_apply_the_commit_that_it_carries(config):
    service = service_of(config)
    incarnation = opened(service, config).incarnation
    request = requests_of(incarnation)[0][1]
    request.key.step = 7
    request.commit.CopyFrom(pb.Commit(step=0, learning_rate=0.1, skip=True))

    assert Reason.BAD_REQUEST is refusal(service.compute, request).reason
    assert 0 == service._sessions.get("default", incarnation).session.applied_step


def test_a_fresh_run_that_could_not_set_an_earlier_ones_checkpoints_aside_is_refused_before_it_trains(config):
    service = service_of(config)
    incarnation = opened(service, config).incarnation
    service.sync_training_state(saving(incarnation))
    for number in range(1, 9):
        (config.save_dir / "default" / f"trunk-before-{number}").mkdir()

    error = refusal(opened, service, config, client="another", replaces=incarnation)
    assert (Reason.SAVE_FAILED, True) == (error.reason, "delete those that nobody needs" in error.message)
