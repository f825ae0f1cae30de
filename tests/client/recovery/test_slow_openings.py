"""A client is slow to open its session, and another one, which has it meanwhile, saves: no checkpoint is lost."""

from itertools import count

import pytest
from client.runs import CrashError, CrashingProbe, assert_same, direct, final_state, remote_trunk, train
from trunk.server import service_of

from splitlearn.client.checkpoints import ClientCheckpoints
from splitlearn.errors import CheckpointError, TrunkUnavailableError


def slow_link(service, run, meanwhile):
    """Return a trunk whose first request to open arrives only when something has happened."""
    link = remote_trunk(direct(service), run)
    opened = link.open
    waiting = [meanwhile]

    def open_slowly(hello):
        while waiting:
            waiting.pop()()
        return opened(hello)

    link.open = open_slowly
    return link


def test_a_fresh_start_does_not_destroy_what_another_client_saved_meanwhile(run, undisturbed):
    service = service_of(run)
    slow = slow_link(service, run, lambda: train(run, remote_trunk(direct(service), run), resume="auto"))
    with pytest.raises(CheckpointError, match=r"has checkpoints of steps \[12, 8\]; continue with --resume"):
        train(run, slow)

    assert_same(undisturbed, final_state(run))
    assert not service.training_sessions


def test_a_client_continues_from_what_another_one_saved_meanwhile(run, undisturbed):
    service = service_of(run)
    slow = slow_link(service, run, lambda: train(run, remote_trunk(direct(service), run), resume="auto"))
    result = train(run, slow, resume="auto")

    assert (result.steps, result.done) == (12, 0)
    assert_same(undisturbed, final_state(run))


def test_a_client_whose_checkpoints_were_all_replaced_meanwhile_continues_from_the_new_ones(run, undisturbed):
    service = service_of(run)
    with pytest.raises(CrashError):
        train(run, remote_trunk(direct(service), run), probe=CrashingProbe("client.step.started", 5))
    slow = slow_link(service, run, lambda: train(run, remote_trunk(direct(service), run), resume="auto"))
    result = train(run, slow, resume="auto")

    assert (result.steps, result.done) == (12, 0)
    assert_same(undisturbed, final_state(run))


def test_a_client_gives_up_when_others_save_again_and_again(run, monkeypatch):
    numbers = count(1)
    monkeypatch.setattr(ClientCheckpoints, "steps", lambda _self: [next(numbers)])
    with pytest.raises(TrunkUnavailableError, match="save again and again"):
        train(run, remote_trunk(direct(service_of(run)), run), resume="auto")
