"""A full disk on either side leaves earlier checkpoints intact, and is explained."""

import errno
from dataclasses import replace

import pytest
from client.full_disk import full_disk
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
from tokenizers import Tokenizer as Backend
from tokenizers import models
from transformers import PreTrainedTokenizerFast
from trunk.server import service_of

from splitlearn.data import Tokenizer
from splitlearn.errors import CheckpointError, TrunkUnavailableError
from splitlearn.runtime import real_runtime
from splitlearn.runtime.disk import SystemDisk


class TooSmallDisk(SystemDisk):
    """Has room for half of a file whose path ends with these words."""

    def __init__(self, words):
        self._words = words

    def write(self, path, data):
        """Write what there is room for."""
        if str(path).endswith(self._words):
            super().write(path, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        super().write(path, data)


def too_small(words):
    return replace(real_runtime(), disk=TooSmallDisk(words))


def test_a_full_disk_at_the_client_leaves_what_was_saved(run, undisturbed):
    with pytest.raises(CheckpointError, match="No space left on device; the newest checkpoint is of step 4"):
        train(run, local_trunk(run), runtime=too_small("client/step-00000008.partial"))
    assert not list(run.save_dir.rglob("*.partial"))
    train(run, local_trunk(run), resume=True)
    assert_same(undisturbed, final_state(run))


class LargeTokenizer(NamedTokenizer):
    """A real tokenizer, for whose temporary files there is no room."""

    def files(self):
        """Have the library write it to a full disk."""
        with full_disk():
            return Tokenizer.files(self)


def large_tokenizer():
    backend = PreTrainedTokenizerFast(tokenizer_object=Backend(models.BPE({chr(n): n for n in range(256)}, [])))
    return LargeTokenizer(backend, 300, 0)


@pytest.mark.parametrize(
    "too_large", ["step-00000004.partial", "tokenizer.json", "splitlearn.partial", "temporary files"]
)
def test_a_client_whose_disk_is_too_small_leaves_nothing_at_the_trunk_however_often_it_starts(run, too_large):
    data = data_of(run)
    if too_large == "temporary files":
        data = replace(data, tokenizer=large_tokenizer())
    service = service_of(run)
    for _ in range(3):
        link = remote_trunk(direct(service), run)
        with pytest.raises(CheckpointError, match=r"could not be written.*nothing was saved"):
            train(run, link, resume="auto", data=data, runtime=too_small(too_large))
        assert "default" not in service._sessions
        assert not list(run.save_dir.rglob("*.partial"))
    train(run, remote_trunk(direct(service), run))

    assert ["client", "trunk"] == sorted(path.name for path in (run.save_dir / "default").iterdir() if path.is_dir())


def test_a_full_disk_at_the_trunk_leaves_what_was_saved(run, undisturbed):
    service = service_of(run, disk=too_small("trunk/step-00000008.partial").disk)
    with pytest.raises(TrunkUnavailableError, match=r"mend that at the trunk.*the newest checkpoint is of step 4"):
        train(run, remote_trunk(direct(service), run))
    train(run, remote_trunk(direct(service_of(run)), run), resume=True)
    assert_same(undisturbed, final_state(run))


def test_a_full_disk_when_nothing_is_saved_yet_is_explained(run):
    with pytest.raises(
        CheckpointError, match=r"client cannot be written.*nothing was saved\. Make room.*--resume auto"
    ):
        train(run, local_trunk(run), runtime=too_small("claim.partial"))
