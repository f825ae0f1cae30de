"""A run that cannot start or resume as asked is refused with advice."""

import shutil
from dataclasses import replace

import pytest
from client.runs import (
    NamedTokenizer,
    assert_same,
    data_of,
    direct,
    final_state,
    local_trunk,
    remote_trunk,
    train,
)
from trunk.server import service_of

from splitlearn.errors import CheckpointError, ConfigError, DataError, TrunkUnavailableError


def test_a_fresh_start_over_checkpoints_is_refused(run):
    train(run, local_trunk(run))

    with pytest.raises(CheckpointError, match=r"has checkpoints of steps \[12, 8\]; continue with --resume"):
        train(run, local_trunk(run))


def test_there_must_be_something_to_resume(run):
    with pytest.raises(CheckpointError, match=r"no checkpoint in .*; start without --resume"):
        train(run, local_trunk(run), resume=True)


def test_a_trunk_without_the_checkpoint_is_explained(run):
    train(run, local_trunk(run))
    shutil.rmtree(run.save_dir / "default" / "trunk")

    for trunk in (local_trunk(run), remote_trunk(direct(service_of(run)), run)):
        with pytest.raises(TrunkUnavailableError, match="no checkpoint in common"):
            train(run, trunk, resume=True)


def test_the_checkpoint_of_another_trunk_is_refused(run, tmp_path):
    other = run.but(save_dir=tmp_path / "other", learning_rate=0.5)
    for config in (run, other):
        train(config, local_trunk(config))
    shutil.rmtree(run.save_dir / "default" / "trunk")
    shutil.copytree(other.save_dir / "default" / "trunk", run.save_dir / "default" / "trunk")

    with pytest.raises(CheckpointError, match=r"step 12 is not the one made with .*--save-dir of that run"):
        train(run, local_trunk(run), resume=True)


@pytest.mark.parametrize(
    "changes",
    [{"learning_rate": 0.5}, {"batch_size": 3}, {"codec": "fp16"}, {"max_grad_norm": 9.0}, {"warmup_steps": 2}],
    ids=str,
)
def test_resuming_with_other_settings_is_refused_by_name(run, changes):
    train(run, local_trunk(run))
    name, value = next(iter(changes.items()))

    with pytest.raises(CheckpointError, match=f"{name} = .*now it is {value}"):
        train(run.but(**changes), local_trunk(run), resume=True)


def test_a_schedule_that_falls_to_its_end_is_not_resumed_with_another_end(run):
    train(run.but(max_steps=6), local_trunk(run))

    with pytest.raises(CheckpointError, match=r"steps in all = 6, now it is.*--init-from"):
        train(run, local_trunk(run), resume=True)


def test_resuming_with_an_edited_text_is_refused(run):
    train(run, local_trunk(run))

    with pytest.raises(CheckpointError, match="tokens of the data"):
        train(run, local_trunk(run), resume=True, data=data_of(run, count=20))


def test_resuming_where_there_is_nothing_is_refused_unless_any_start_will_do(run, undisturbed):
    with pytest.raises(CheckpointError, match="start without --resume"):
        train(run, local_trunk(run), resume="must")
    train(run, local_trunk(run), resume="auto")

    assert_same(undisturbed, final_state(run))


def test_a_model_that_is_too_short_for_the_data_is_refused(run):
    with pytest.raises(ConfigError, match="max_length = 25: the model has 24 positions"):
        train(run.but(max_length=25), None)


def test_a_vocabulary_that_the_model_does_not_have_is_refused(run):
    data = replace(data_of(run), tokenizer=NamedTokenizer(None, 301, 0))

    with pytest.raises(DataError, match="the tokenizer has 301 tokens, and the model knows 300"):
        train(run, None, data=data)
