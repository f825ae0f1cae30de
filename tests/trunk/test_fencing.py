"""Who may speak for a session: one client at a time, the newest, whatever comes late, twice, or after a restart."""

from dataclasses import replace

import pytest
import torch
from client.runs import DirectTransport, remote_trunk
from trunk.server import hello_of, opening_of, service_of

from splitlearn.checkpoint import CheckpointStore
from splitlearn.errors import CheckpointError
from splitlearn.trunk.epoch import HIGHEST, next_epoch, only_trunk
from splitlearn.trunk.sessions import Sessions, checked_name
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.link import Position
from splitlearn.wire.messages import key_message
from splitlearn.wire.tensors import encode_tensor


def opened(service, config, **more):
    return service.open_session(opening_of(hello_of(config), **more))


def refusal(call, *arguments, **more):
    with pytest.raises(WireError) as caught:
        call(*arguments, **more)
    return caught.value


def requests_of(incarnation):
    """Every kind of request that a client of this incarnation can send."""
    key = key_message("default", incarnation, Position(0, 0, 1))
    hidden = encode_tensor(torch.ones(1, 4, 32), "raw", 1 << 20)
    mask = encode_tensor(torch.ones(1, 4, dtype=torch.uint8), "raw", 1 << 20)
    actions = pb.SyncTrainingStateRequest.Action.values()
    return [
        ("compute", pb.ComputeRequest(key=key, smashed=hidden, attention_mask=mask)),
        ("compute", pb.ComputeRequest(key=key, smashed=hidden, attention_mask=mask, inference=True)),
        ("backward", pb.BackwardRequest(key=key, features_grad=hidden)),
        *(("sync_training_state", pb.SyncTrainingStateRequest(key=key, action=action)) for action in actions),
    ]


def test_a_repeated_request_to_open_gets_the_same_answer_and_changes_nothing(config):
    service = service_of(config)
    first = opened(service, config)
    name, compute = requests_of(first.incarnation)[0]
    getattr(service, name)(compute)

    assert first == opened(service, config)
    session = service._sessions.get("default", first.incarnation)
    assert session._tape.nbytes > 0


def test_a_session_that_is_held_is_taken_over_only_by_naming_its_holder(config):
    service = service_of(config)
    first = opened(service, config, client="first")
    held = refusal(opened, service, config, client="second")

    assert Reason.SESSION_HELD is held.reason
    assert {"incarnation": str(first.incarnation), "client": "first"} == held.details
    second = opened(service, config, client="second", replaces=first.incarnation)
    assert second.incarnation > first.incarnation


def test_a_request_to_open_that_comes_late_takes_over_nothing(config):
    """It may be one that was never seen before, or a repetition of one that was answered long ago."""
    service = service_of(config)
    first = opened(service, config, client="first")
    second = opened(service, config, client="second", replaces=first.incarnation)
    third = opened(service, config, client="third", replaces=second.incarnation)

    late = [{"client": "lost"}, {"client": "first"}, {"client": "second", "replaces": first.incarnation}]
    for request in late:
        assert Reason.SESSION_HELD is refusal(opened, service, config, **request).reason
    assert third == opened(service, config, client="third", replaces=second.incarnation)


def test_a_late_request_opens_nothing_though_the_session_is_not_open(config):
    """The trunk was started again, or the session is closed: it still knows who held it last."""
    service = service_of(config)
    first = opened(service, config, client="first")
    second = opened(service, config, client="second", replaces=first.incarnation)
    restarted = service_of(config, epoch=2)
    assert Reason.SESSION_HELD is refusal(opened, restarted, config, client="first").reason
    third = opened(restarted, config, client="second", number=2, replaces=second.incarnation)
    close = requests_of(third.incarnation)[-1][1]
    assert pb.SyncTrainingStateRequest.ACTION_CLOSE == close.action
    restarted.sync_training_state(close)

    for late in ({"client": "first"}, {"client": "second", "replaces": first.incarnation}, {"client": "unheard of"}):
        assert Reason.SESSION_HELD is refusal(opened, restarted, config, **late).reason
    assert "default" not in restarted._sessions


def test_incarnations_of_trunks_with_other_folders_do_not_meet(config, tmp_path):
    """Both were started for the first time."""
    one, other = (service_of(config.but(save_dir=tmp_path / name)) for name in ("one", "other"))
    first, second = (opened(service, config).incarnation for service in (one, other))

    assert first != second
    assert Reason.STALE_INCARNATION is refusal(other.compute, requests_of(first)[0][1]).reason


def test_a_client_that_opens_again_at_a_trunk_with_another_folder_is_told_what_is_missing(config, tmp_path):
    link = remote_trunk(DirectTransport(service_of(config)), config)
    link.open(hello_of(config))
    link._calls.transport.service = service_of(config.but(save_dir=tmp_path / "elsewhere"))

    assert Reason.NO_CHECKPOINT is refusal(link.open, hello_of(config, 4)).reason


@pytest.mark.parametrize("content", ["", "garbage", "{}"])
def test_a_holder_that_cannot_be_read_is_refused_with_advice(config, content):
    path = config.save_dir / "default" / "trunk-holder"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    error = refusal(opened, service_of(config), config)

    assert Reason.SAVE_FAILED is error.reason
    assert "then delete the file" in error.message


def test_a_reader_that_is_refused_ends_no_other(config):
    service = service_of(config)
    readers = [
        service.open_session(opening_of(replace(hello_of(config), session_id=f"r{n}"), reader=True)).incarnation
        for n in range(4)
    ]
    fifth = opening_of(replace(hello_of(config), session_id="r4"), reader=True, resume_steps=[7])

    assert Reason.NO_CHECKPOINT is refusal(service.open_session, fifth).reason
    assert service._sessions.get("r0", readers[0])


def test_requests_of_an_older_incarnation_do_nothing(config):
    service = service_of(config)
    old = opened(service, config, client="first").incarnation
    new = opened(service, config, client="second", replaces=old).incarnation

    for name, request in requests_of(old):
        assert Reason.STALE_INCARNATION is refusal(getattr(service, name), request).reason
    session = service._sessions.get("default", new)
    assert (0, 0) == (session._tape.nbytes, session.applied_step)
    assert not list(config.save_dir.rglob("step-*"))


def test_no_incarnation_comes_twice_over_restarts_of_the_trunk(config, tmp_path):
    """A client of the first life meets the session of another, opened in the second."""
    incarnations = []
    for _ in range(3):
        service = service_of(config, epoch=next_epoch(tmp_path))
        last = incarnations[-1] if incarnations else 0
        incarnations.append(opened(service, config, replaces=last).incarnation)
        for before in incarnations[:-1]:
            assert Reason.STALE_INCARNATION is refusal(service.compute, requests_of(before)[0][1]).reason

    assert incarnations == sorted(set(incarnations))


def test_a_count_of_starts_that_cannot_be_read_is_refused_with_advice(tmp_path):
    assert [1, 2] == [next_epoch(tmp_path) for _ in range(2)]
    (tmp_path / ".trunk-epoch").write_text("2x")

    with pytest.raises(CheckpointError, match="write one there that is higher than any before"):
        next_epoch(tmp_path)


def test_a_client_that_lost_its_session_may_not_take_it_back_from_another(config):
    """The second came, and even went, while the first did not know that the trunk was restarted."""
    service = service_of(config)
    first = remote_trunk(DirectTransport(service), config)
    first.open(hello_of(config))
    restarted = service_of(config, epoch=2)
    second = remote_trunk(DirectTransport(restarted), config)
    second.open(hello_of(config))
    first._calls.transport.service = restarted

    assert Reason.STALE_INCARNATION is refusal(first.open, hello_of(config)).reason
    second.close()
    assert Reason.STALE_INCARNATION is refusal(first.open, hello_of(config)).reason
    first._calls.transport.service = service_of(config, epoch=3)
    assert Reason.STALE_INCARNATION is refusal(first.open, hello_of(config)).reason


def test_a_client_takes_back_what_a_late_request_of_its_own_has_opened(config):
    service = service_of(config)
    link = remote_trunk(DirectTransport(service), config)
    old = link.open(hello_of(config)).incarnation
    restarted = service_of(config, epoch=2)
    opened(restarted, config, client=link._client, number=9, replaces=old)
    link._calls.transport.service = restarted

    assert link.open(hello_of(config)).incarnation > old


def test_a_client_that_starts_takes_over_at_once(config):
    service = service_of(config)
    links = [remote_trunk(DirectTransport(service), config) for _ in range(3)]
    incarnations = [link.open(hello_of(config)).incarnation for link in links]

    assert incarnations == sorted(set(incarnations))


@pytest.mark.parametrize("more", [{"client": ""}, {"client": "x" * 65}, {"number": 0}])
def test_a_client_without_a_name_is_refused(config, more):
    assert Reason.BAD_REQUEST is refusal(opened, service_of(config), config, **more).reason


def test_a_save_that_comes_late_writes_nothing(config):
    """It names the step that it is for."""
    service = service_of(config)
    key = key_message("default", opened(service, config).incarnation, Position(3, 0, 1))
    save = pb.SyncTrainingStateRequest(key=key, action=pb.SyncTrainingStateRequest.ACTION_SAVE)

    assert Reason.STEP_IN_FUTURE is refusal(service.sync_training_state, save).reason
    assert not list(config.save_dir.rglob("step-*"))


def test_a_silent_clients_place_is_given_up(config, caplog):
    now = [0.0]
    service = service_of(config, idle_timeout=60.0, now=lambda: now[0])
    opened(service, config)
    other = replace(hello_of(config), session_id="other")
    assert Reason.TOO_MANY_SESSIONS is refusal(service.open_session, opening_of(other)).reason

    now[0] = 59.0
    service.close_idle()
    assert "default" in service._sessions
    now[0] = 61.0
    service.close_idle()
    assert "session default: its client has not been heard of" in caplog.text
    service.open_session(opening_of(other))


def test_an_opening_whose_holder_cannot_be_written_down_is_refused(config, tmp_path):
    (tmp_path / "file").write_text("in the way")
    service = service_of(config.but(save_dir=tmp_path / "file"))

    assert Reason.SAVE_FAILED is refusal(opened, service, config).reason


def saving(incarnation, step=0):
    key = key_message("default", incarnation, Position(step, 0, 1))
    return pb.SyncTrainingStateRequest(key=key, action=pb.SyncTrainingStateRequest.ACTION_SAVE)


def test_a_repeated_save_is_answered_and_not_written_again(config, monkeypatch):
    """A disk that takes longer than a call's deadline must not be asked for ever."""
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
    again = service_of(config.but(threads=threads), epoch=2)
    request = opening_of(hello_of(config), replaces=incarnation, resume_steps=[0])

    if threads == 1:
        assert 0 == again.open_session(request).applied_step
    else:
        assert "trunk threads = 1, now it is 2" in refusal(again.open_session, request).message
        assert "trunk threads = 1, now it is 2" in caplog.text
    reader = opening_of(hello_of(config), client="reads", reader=True, resume_steps=[0], resume_session_id="default")
    reader.session_id = "reads"
    assert 0 == again.open_session(reader).applied_step, "who only reads goes on with nothing"


def test_a_holder_that_was_deleted_as_advised_lets_the_next_client_in(config):
    service = service_of(config)
    opened(service, config, client="first")
    (config.save_dir / "default" / "trunk-holder").unlink()

    assert opened(service, config, client="second").incarnation


def test_no_session_can_have_the_name_of_the_trunks_own_files(config, tmp_path):
    next_epoch(tmp_path)
    with only_trunk(tmp_path):
        own = {path.name for path in tmp_path.iterdir()}
    assert own
    for name in own:
        with pytest.raises(WireError, match=r"no '\.' first"):
            checked_name(name)


def test_the_highest_count_of_starts_still_makes_incarnations_of_64_bits(tmp_path):
    (tmp_path / ".trunk-epoch").write_text(str(HIGHEST - 2))
    assert Sessions(1, next_epoch(tmp_path)).new_incarnation() < 1 << 64
    with pytest.raises(CheckpointError, match="write one there"):
        next_epoch(tmp_path)


def test_a_count_that_cannot_be_written_is_refused_with_advice(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointError, match=r"cannot be written.*make room or give another --save-dir"):
        next_epoch(tmp_path / "file")


def test_a_refused_request_does_not_apply_the_commit_that_it_carries(config):
    service = service_of(config)
    incarnation = opened(service, config).incarnation
    request = requests_of(incarnation)[0][1]
    request.key.step = 7
    request.commit.CopyFrom(pb.Commit(step=0, learning_rate=0.1, skip=True))

    assert Reason.BAD_REQUEST is refusal(service.compute, request).reason
    assert 0 == service._sessions.get("default", incarnation).applied_step


def test_a_client_with_more_checkpoints_than_any_has_is_refused(config):
    request = opening_of(hello_of(config), resume_steps=range(65))
    assert "65 resume_steps" in refusal(service_of(config).open_session, request).message


def test_a_fresh_run_that_could_not_set_an_earlier_ones_checkpoints_aside_is_refused_before_it_trains(config):
    service = service_of(config)
    incarnation = opened(service, config).incarnation
    service.sync_training_state(saving(incarnation))
    for number in range(1, 9):
        (config.save_dir / "default" / f"trunk-before-{number}").mkdir()

    error = refusal(opened, service, config, client="another", replaces=incarnation)
    assert (Reason.SAVE_FAILED, True) == (error.reason, "delete those that nobody needs" in error.message)
