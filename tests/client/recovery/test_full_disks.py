"""A full disk at either side leaves what was saved, and is explained."""

import errno
from dataclasses import replace
from functools import partial

import pytest
from client.full_disk import full_disk
from client.runs import (
    DirectTransport,
    NamedTokenizer,
    assert_same,
    data_of,
    fail,
    final_state,
    local_trunk,
    remote_trunk,
    train,
)
from tokenizers import Tokenizer as Backend
from tokenizers import models
from transformers import PreTrainedTokenizerFast
from trunk.server import service_of

from splitlearn import checkpoint
from splitlearn.client import claim
from splitlearn.data import Tokenizer
from splitlearn.errors import CheckpointError, TrunkUnavailableError


def test_a_full_disk_at_the_client_leaves_what_was_saved(run, undisturbed, monkeypatch):
    written = checkpoint.write_atomically

    def full(path, data, before_rename):
        if path.parent.name == "client" and path.name == "step-00000008.safetensors":
            before_rename = partial(fail, OSError(errno.ENOSPC, "No space left on device"))
        written(path, data, before_rename)

    monkeypatch.setattr(checkpoint, "write_atomically", full)
    with pytest.raises(CheckpointError, match="No space left on device; the newest checkpoint is of step 4"):
        train(run, local_trunk(run))
    assert not list(run.save_dir.rglob("*.partial"))
    monkeypatch.undo()
    train(run, local_trunk(run), resume=True)
    assert_same(undisturbed, final_state(run))


class LargeTokenizer(NamedTokenizer):
    """A real one, for which there is no room."""

    def save(self, folder):
        """Let the library write it onto a disk that is full."""
        with full_disk():
            Tokenizer.save(self, folder)


def large_tokenizer():
    backend = PreTrainedTokenizerFast(tokenizer_object=Backend(models.BPE({chr(n): n for n in range(256)}, [])))
    return LargeTokenizer(backend, 300, 0)


@pytest.mark.parametrize("too_large", ["weights", "tokenizer"])
def test_a_client_whose_disk_is_too_small_leaves_nothing_at_the_trunk_however_often_it_starts(
    run, monkeypatch, too_large
):
    written = checkpoint.write_atomically
    data = replace(data_of(run), tokenizer=large_tokenizer()) if too_large == "tokenizer" else data_of(run)

    def full(path, data, before_rename):
        if path.parent.name == "client":
            before_rename = partial(fail, OSError(errno.ENOSPC, "No space left on device"))
        written(path, data, before_rename)

    service = service_of(run)
    with monkeypatch.context() as patch:
        if too_large == "weights":
            patch.setattr(checkpoint, "write_atomically", full)
        for _ in range(3):
            with pytest.raises(CheckpointError, match=r"could not be written.*nothing was saved"):
                train(run, remote_trunk(DirectTransport(service), run), resume="auto", data=data)
            assert "default" not in service._sessions
    train(run, remote_trunk(DirectTransport(service), run))

    assert ["client", "trunk"] == sorted(path.name for path in (run.save_dir / "default").iterdir() if path.is_dir())


def test_a_full_disk_at_the_trunk_leaves_what_was_saved(run, undisturbed, monkeypatch):
    written = checkpoint.write_atomically

    def full(path, data, before_rename):
        if path.parent.name == "trunk" and path.name == "step-00000008.safetensors":
            before_rename = partial(fail, OSError(errno.ENOSPC, "No space left on device"))
        written(path, data, before_rename)

    monkeypatch.setattr(checkpoint, "write_atomically", full)
    with pytest.raises(TrunkUnavailableError, match=r"mend that at the trunk.*the newest checkpoint is of step 4"):
        train(run, remote_trunk(DirectTransport(service_of(run)), run))
    monkeypatch.undo()
    train(run, remote_trunk(DirectTransport(service_of(run)), run), resume=True)
    assert_same(undisturbed, final_state(run))


def test_a_full_disk_when_nothing_is_saved_yet_is_explained(run, monkeypatch):
    monkeypatch.setattr(claim, "write_atomically", lambda *_: fail(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(
        CheckpointError, match=r"client cannot be written.*nothing was saved\. Make room.*--resume auto"
    ):
        train(run, local_trunk(run))
