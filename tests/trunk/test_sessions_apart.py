"""One run cannot harm another: names, places, and files of an earlier run."""

from dataclasses import replace

import pytest
import torch
from trunk.server import hello_of, opening_of, service_of

from splitlearn.runtime.simulated import ManualClock
from splitlearn.trunk.sessions import MAX_READERS, READER_REST
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.messages import key_message
from splitlearn.wire.tensors import encode_tensor
from splitlearn.wire.trunk_link import Position


def opening(config, name, **more):
    return opening_of(replace(hello_of(config), session_id=name), **more)


def saving(name, incarnation):
    key = key_message(name, incarnation, Position(0, 0, 1))
    return pb.SyncTrainingStateRequest(key=key, action=pb.SyncTrainingStateRequest.ACTION_SAVE)


def refusal(call, *arguments):
    with pytest.raises(WireError) as caught:
        call(*arguments)
    return caught.value.reason


class Told:
    """A probe that keeps the session of every point."""

    def __init__(self):
        self.sessions = []

    def point(self, name, step=None, microbatch=None, *, session, **_):
        self.sessions.append((name, session))


def test_every_point_of_a_request_tells_whose_session_it_is(config):
    told = Told()
    service = service_of(config, max_sessions=2, probe=told)
    incarnations = {name: service.open_session(opening(config, name)).incarnation for name in ("one", "other")}
    told.sessions.clear()
    service.sync_training_state(saving("other", incarnations["other"]))

    assert {"other"} == {session for _, session in told.sessions}
    names = [name for name, _ in told.sessions]
    assert ["trunk.sync.received", "trunk.checkpoint.writing"] == names[:2]
    assert "trunk.sync.done" == names[-1]


@pytest.mark.parametrize("name", ["", ".", "..", "../evil", "a/b", ".hidden", "x" * 81, "a\n"])
def test_names_that_are_no_folder_of_their_own_are_refused(config, name):
    assert Reason.BAD_REQUEST is refusal(service_of(config).open_session, opening(config, name))


def test_a_name_to_resume_from_is_checked_like_any_other(config):
    request = opening(config, "good", resume_steps=[1], resume_session_id="../evil")

    assert Reason.BAD_REQUEST is refusal(service_of(config).open_session, request)


def test_a_fresh_start_keeps_what_an_earlier_run_of_that_name_has_left(config):
    service = service_of(config)
    incarnation = 0
    for number in (1, 2, 3):
        reply = service.open_session(opening(config, "run", number=number, replaces=incarnation))
        incarnation = reply.incarnation
        service.sync_training_state(saving("run", reply.incarnation))

    folders = ["trunk", "trunk-before-1", "trunk-before-2"]
    assert folders == sorted(path.parent.name for path in (config.save_dir / "run").rglob("step-*.safetensors"))


def test_readers_take_no_place_from_runs_and_end_no_other_that_is_busy(config):
    """One that has been silent for a while makes room."""
    clock = ManualClock()
    service = service_of(config, max_sessions=1, clock=clock)
    service.open_session(opening(config, "run"))
    readers = [service.open_session(opening(config, f"r{n}", reader=True)).incarnation for n in range(MAX_READERS)]
    asked = [
        pb.SyncTrainingStateRequest(key=key_message(f"r{n}", incarnation, Position(0, 0, 1)))
        for n, incarnation in enumerate(readers)
    ]
    assert {0} == {service.sync_training_state(request).applied_step for request in asked}
    assert Reason.TOO_MANY_SESSIONS is refusal(service.open_session, opening(config, "late", reader=True))

    while clock.now() <= READER_REST:
        clock.sleep(1.0)
        service.sync_training_state(asked[0])
        service.close_idle()
    service.open_session(opening(config, "late", reader=True))
    assert Reason.UNKNOWN_SESSION is refusal(service.sync_training_state, asked[1])
    assert {0} == {service.sync_training_state(request).applied_step for request in asked[2:] + asked[:1]}
    assert Reason.TOO_MANY_SESSIONS is refusal(service.open_session, opening(config, "another-run"))


def test_readers_of_the_same_weights_share_them(config):
    service = service_of(config)
    first, second = (
        service._sessions.get(name, service.open_session(opening(config, name, reader=True)).incarnation).session
        for name in ("r1", "r2")
    )
    run = service._sessions.get("run", service.open_session(opening(config, "run")).incarnation).session

    assert first is second
    assert run is not first


def test_a_reader_cannot_take_the_place_of_a_run(config):
    service = service_of(config)
    service.open_session(opening(config, "run"))

    assert Reason.BAD_REQUEST is refusal(service.open_session, opening(config, "run", number=2, reader=True))


def test_a_reader_cannot_train_or_save(config):
    service = service_of(config)
    reply = service.open_session(opening(config, "reader", reader=True))
    key = key_message("reader", reply.incarnation, Position(0, 0, 1))
    mask = encode_tensor(torch.ones(1, 4, dtype=torch.uint8), "raw", 1 << 20)
    compute = pb.ComputeRequest(
        key=key, smashed=encode_tensor(torch.ones(1, 4, 32), "raw", 1 << 20), attention_mask=mask
    )

    assert Reason.WRONG_MODE is refusal(service.compute, compute)
    assert Reason.WRONG_MODE is refusal(service.sync_training_state, saving("reader", reply.incarnation))
    compute.inference = True
    assert [1, 4, 32] == list(service.compute(compute).features.shape)


def test_a_mask_of_other_values_is_refused(config):
    service = service_of(config)
    reply = service.open_session(opening(config, "run"))
    key = key_message("run", reply.incarnation, Position(0, 0, 1))
    mask = encode_tensor(torch.full((1, 4), 7, dtype=torch.uint8), "raw", 1 << 20)
    compute = pb.ComputeRequest(
        key=key, smashed=encode_tensor(torch.ones(1, 4, 32), "raw", 1 << 20), attention_mask=mask
    )

    assert Reason.BAD_DATA is refusal(service.compute, compute)


def test_an_unknown_action_is_refused(config):
    service = service_of(config)
    reply = service.open_session(opening(config, "run"))
    request = saving("run", reply.incarnation)
    request.action = 77

    assert Reason.BAD_REQUEST is refusal(service.sync_training_state, request)


def test_a_request_to_commit_without_a_commit_is_refused(config):
    service = service_of(config)
    reply = service.open_session(opening(config, "run"))
    request = saving("run", reply.incarnation)
    request.action = pb.SyncTrainingStateRequest.ACTION_COMMIT

    assert Reason.BAD_REQUEST is refusal(service.sync_training_state, request)


def test_too_many_positions_are_refused_before_they_are_decoded(config, monkeypatch):
    service = service_of(config)
    reply = service.open_session(opening(config, "run"))
    key = key_message("run", reply.incarnation, Position(0, 0, 1))
    smashed = encode_tensor(torch.zeros(1, 4000, 32), "zlib", 1 << 20)
    monkeypatch.setattr("splitlearn.trunk.boundary.decode_tensor", None)

    assert Reason.BAD_SHAPE is refusal(service.compute, pb.ComputeRequest(key=key, smashed=smashed))
