"""One client at a time holds a session: the newest, even if requests come late, twice, or after a restart."""

from dataclasses import replace

import pytest
from client.runs import direct, remote_trunk
from trunk.calling import opened, refusal, requests_of
from trunk.server import hello_of, opening_of, service_of

from splitlearn.trunk.dispatch import Dispatch
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Reason

CLOSE = pb.SyncTrainingStateRequest.ACTION_CLOSE


def test_a_repeated_request_to_open_gets_the_same_answer_and_changes_nothing(config):
    service = service_of(config)
    first = opened(service, config)
    name, compute = requests_of(first.incarnation)[0]
    getattr(service, name)(compute)

    assert first == opened(service, config)
    session = service._sessions.get("default", first.incarnation).session
    assert session._tape.nbytes > 0


def test_a_session_that_is_held_is_taken_over_only_by_naming_its_holder(config):
    service = service_of(config)
    first = opened(service, config, client="first")
    held = refusal(opened, service, config, client="second")

    assert Reason.SESSION_HELD is held.reason
    assert {"incarnation": str(first.incarnation), "client": "first", "silent": "0"} == held.details
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
    restarted = service_of(config, boot=2)
    assert Reason.SESSION_HELD is refusal(opened, restarted, config, client="first").reason
    third = opened(restarted, config, client="second", number=2, replaces=second.incarnation)
    close = next(r for _, r in requests_of(third.incarnation) if getattr(r, "action", 0) == CLOSE)
    restarted.sync_training_state(close)

    for late in ({"client": "first"}, {"client": "second", "replaces": first.incarnation}, {"client": "unheard of"}):
        assert Reason.SESSION_HELD is refusal(opened, restarted, config, **late).reason
    assert "default" not in restarted._sessions


@pytest.mark.parametrize("content", ["", "garbage", "{}"])
def test_a_holder_that_cannot_be_read_is_refused_with_advice(config, content):
    path = config.save_dir / "default" / "trunk-holder"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    error = refusal(opened, service_of(config), config)

    assert Reason.SAVE_FAILED is error.reason
    assert "then delete the file" in error.message


def test_a_client_that_lost_its_session_may_not_take_it_back_from_another(config):
    """The second came, and even went, while the first did not know that the trunk was restarted."""
    service = service_of(config)
    first = remote_trunk(direct(service), config)
    first.open(hello_of(config))
    restarted = service_of(config, boot=2)
    second = remote_trunk(direct(restarted), config)
    second.open(replace(hello_of(config), take_over=True))
    first._calls.transport.dispatch = Dispatch(restarted)

    assert Reason.STALE_INCARNATION is refusal(first.open, hello_of(config)).reason
    second.close()
    assert Reason.STALE_INCARNATION is refusal(first.open, hello_of(config)).reason
    first._calls.transport.dispatch = Dispatch(service_of(config, boot=3))
    assert Reason.STALE_INCARNATION is refusal(first.open, hello_of(config)).reason


def test_a_client_takes_back_what_a_late_request_of_its_own_has_opened(config):
    service = service_of(config)
    link = remote_trunk(direct(service), config)
    old = link.open(hello_of(config)).incarnation
    restarted = service_of(config, boot=2)
    opened(restarted, config, client=link._conversation.client, number=9, replaces=old)
    link._calls.transport.dispatch = Dispatch(restarted)

    assert link.open(hello_of(config)).incarnation > old


def test_a_client_that_starts_takes_over_at_once_where_it_says_so(config):
    service = service_of(config)
    links = [remote_trunk(direct(service), config) for _ in range(3)]
    incarnations = [link.open(replace(hello_of(config), take_over=True)).incarnation for link in links]

    assert incarnations == sorted(set(incarnations))


def test_a_client_that_starts_afresh_takes_over_nobody_who_is_alive(config):
    """Once the other is gone, its name is free."""
    service = service_of(config)
    first, second = (remote_trunk(direct(service), config) for _ in range(2))
    first.open(hello_of(config))
    error = refusal(second.open, hello_of(config))

    assert Reason.SESSION_HELD is error.reason
    assert f"held by client {first._conversation.client}, which has been silent for 0 s" in error.message
    assert first.query().applied_step == 0
    first.close()
    second.open(hello_of(config))


@pytest.mark.parametrize("more", [{"client": ""}, {"client": "x" * 65}, {"number": 0}])
def test_a_client_without_a_name_is_refused(config, more):
    assert Reason.BAD_REQUEST is refusal(opened, service_of(config), config, **more).reason


def test_an_opening_whose_holder_cannot_be_written_down_is_refused(config, tmp_path):
    (tmp_path / "file").write_text("in the way")
    service = service_of(config.but(save_dir=tmp_path / "file"))

    assert Reason.SAVE_FAILED is refusal(opened, service, config).reason


def test_a_holder_that_was_deleted_as_advised_lets_the_next_client_in(config):
    service = service_of(config)
    opened(service, config, client="first")
    (config.save_dir / "default" / "trunk-holder").unlink()

    assert opened(service, config, client="second").incarnation


def test_a_client_with_more_checkpoints_than_any_has_is_refused(config):
    request = opening_of(hello_of(config), resume_steps=range(65))
    assert "65 resume_steps" in refusal(service_of(config).open_session, request).message
