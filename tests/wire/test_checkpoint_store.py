import os
from pathlib import Path

import pytest
import torch
from exactness.uncut import same_bits
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from splitlearn.checkpoint import CheckpointStore, known_steps
from splitlearn.errors import CheckpointError, DamagedCheckpointError
from splitlearn.runtime.disk import SystemDisk

AGREEMENT = {"cuts": "1:3", "seed": "0"}


def weights_of(step):
    return {"h.0.weight": torch.full((3, 4), float(step)), "h.0.bias": torch.arange(4.0) + step}


def optimizer_state_of(step):
    return {"h.0.weight/exp_avg": torch.full((3, 4), step + 0.5), "h.0.weight/step": torch.tensor(float(step))}


@pytest.fixture
def store(tmp_path):
    return CheckpointStore(SystemDisk(), tmp_path, "run", "trunk")


def save(store, step, known=None):
    """Save as a party does that knows its earlier saves, or that continued from `known`."""
    store.known = known_steps(getattr(store, "known", ()) if known is None else known, step)
    return store.save(step, AGREEMENT, weights_of(step), optimizer_state_of(step), keep=store.known)


def path_of(store, step):
    return store.folder / f"step-{step:08d}.safetensors"


def refused(store, step, words, agreement=AGREEMENT):
    with pytest.raises(CheckpointError) as caught:
        store.load(step, agreement)
    assert words in str(caught.value)
    return str(caught.value)


def test_what_is_saved_is_loaded(store):
    saved = save(store, 3)
    half = store.load(3, AGREEMENT)
    mark, weights, optimizer_state = half.mark, half.weights, half.optimizer_state

    assert saved == mark
    assert (mark.role, mark.session, mark.step) == ("trunk", "run", 3)
    assert all(same_bits(tensor, weights[name]) for name, tensor in weights_of(3).items())
    assert all(same_bits(tensor, optimizer_state[name]) for name, tensor in optimizer_state_of(3).items())


def test_the_same_half_has_the_same_bytes_every_time(store):
    """Checkpoints are compared as files, and safetensors orders the keys of a header anew for every file."""
    written = set()
    for _ in range(20):
        save(store, 3)
        written.add(path_of(store, 3).read_bytes())

    assert len(written) == 1


def test_states_of_codecs_are_saved_where_there_are_any(store):
    save(store, 3)
    assert b"codec_states" not in path_of(store, 3).read_bytes()

    states = {"difference/smashed/0/last": torch.arange(3.0)}
    saved = store.save(3, AGREEMENT, weights_of(3), optimizer_state_of(3), codec_states=states)

    half = store.load(3, AGREEMENT)
    assert saved == half.mark
    assert same_bits(half.codec_states["difference/smashed/0/last"], torch.arange(3.0))


def test_the_client_half_names_the_trunks_weights(tmp_path):
    trunk = save(CheckpointStore(SystemDisk(), tmp_path, "run", "trunk"), 1)
    client = CheckpointStore(SystemDisk(), tmp_path, "run", "client")
    mark = client.save(1, AGREEMENT, weights_of(9), {}, trunk.weights)

    assert trunk.weights == mark.trunk_weights != mark.weights


def test_a_store_without_a_folder_has_no_steps(store):
    assert store.steps() == []
    refused(store, 1, "cannot be read")


def test_the_newest_two_are_kept(store):
    for step in (2, 4, 6, 8):
        save(store, step)

    assert store.steps() == [8, 6]
    assert len(list(store.folder.iterdir())) == 2


def test_the_one_just_written_is_kept_whatever_an_earlier_run_left(store):
    """A run that starts afresh in the folder of a longer one counts from the first step again."""
    for step in (98, 100):
        save(store, step)
    store.known = ()
    for step in (10, 20, 30):
        save(store, step)
        assert step == store.load(step, AGREEMENT).mark.step
    assert store.steps() == [30, 20]


@given(
    history=st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["whole", "torn", "between", "twice"])), max_size=12)
)
def test_there_is_a_step_in_common_whatever_was_saved_when_and_whoever_died(tmp_path_factory, history):
    """Checkpoints at any intervals, and crashes between the halves; then both continue from the newest common step."""
    folder = tmp_path_factory.mktemp("halves")
    client, trunk = (CheckpointStore(SystemDisk(), folder, "run", role) for role in ("client", "trunk"))
    at, known = 1, {client: (1,), trunk: (1,)}

    def write(store, step):
        known[store] = known_steps(known[store], step)
        store.save(step, AGREEMENT, weights_of(step), {}, keep=known[store])

    write(trunk, 1)
    write(client, 1)
    for distance, how in history:
        at += distance
        write(trunk, at)
        if how == "twice":
            write(trunk, at)  # the reply was lost
        if how != "between":
            write(client, at)
        if how == "torn":
            path_of(client, at).write_bytes(b"torn")
        if how in ("torn", "between"):
            common = set(client.sound_steps(AGREEMENT)) & set(trunk.sound_steps(AGREEMENT))
            assert common
            at = max(common)
            known = {client: (at,), trunk: (at,)}


@pytest.mark.parametrize("spoil", ["missing", "extra", "shape", "moment", "mark"])
def test_a_file_with_other_tensors_than_the_models_is_damaged(tmp_path, spoil):
    """However right its own digests are; a tensor of another shape would otherwise be spread over the parameter."""
    store = CheckpointStore(SystemDisk(), tmp_path, "run", "trunk", like=weights_of(0))
    weights, optimizer_state = weights_of(1), optimizer_state_of(1)
    name = next(name for name, tensor in weights.items() if tensor.ndim == 2)
    if spoil == "missing":
        del weights[name]
    elif spoil == "extra":
        weights["h.9.weight"] = torch.ones(2)
    elif spoil == "shape":
        weights[name] = weights[name][:1].clone()
    elif spoil == "moment":
        optimizer_state["h.9.weight/exp_avg"] = torch.ones(2)
    store.save(1, AGREEMENT, weights, optimizer_state)
    if spoil == "mark":
        path = path_of(store, 1)
        path.write_bytes(path.read_bytes().replace(b'\\"step\\": 1', b'\\"step\\": 7'))

    with pytest.raises(DamagedCheckpointError):
        store.load(1, AGREEMENT)


@given(share=st.floats(0, 0.999))
def test_a_truncated_file_is_refused_with_advice(tmp_path_factory, share):
    store = CheckpointStore(SystemDisk(), tmp_path_factory.mktemp("store"), "run", "trunk")
    save(store, 1)
    path = path_of(store, 1)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])

    message = refused(store, 1, "cannot be read")
    assert "move it away" in message
    assert str(path) in message


@given(data=st.data())
def test_a_damaged_weight_is_found(tmp_path_factory, data):
    store = CheckpointStore(SystemDisk(), tmp_path_factory.mktemp("store"), "run", "trunk")
    save(store, 1)
    path = path_of(store, 1)
    content = bytearray(path.read_bytes())
    header = 8 + int.from_bytes(content[:8], "little")
    position = data.draw(st.integers(header, len(content) - 1))
    content[position] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(bytes(content))

    refused(store, 1, "damaged")


def test_a_damaged_file_leaves_the_older_one_usable(store):
    save(store, 1)
    save(store, 2)
    path_of(store, 2).write_bytes(b"torn")

    assert "files here: 2, 1" in refused(store, 2, "cannot be read")
    assert store.load(1, AGREEMENT).mark.step == 1


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"\xff" * 100, b"not tensors at all"])
def test_a_foreign_file_is_refused(store, content):
    store.folder.mkdir(parents=True)
    path_of(store, 1).write_bytes(content)

    refused(store, 1, "cannot be read")


@pytest.mark.parametrize("text", ["", "0 {}", "0 no json", "0 []"])
def test_tensors_without_a_mark_are_refused(store, text):
    store.folder.mkdir(parents=True)
    save_file(weights_of(1), path_of(store, 1), {"digest and mark": text})

    refused(store, 1, "cannot be read")


def test_a_file_of_another_step_run_or_role_is_refused(tmp_path, store):
    save(store, 1)
    path_of(store, 1).rename(path_of(store, 2))
    refused(store, 2, "belongs to trunk run step 1")

    for other in (
        CheckpointStore(SystemDisk(), tmp_path, "elsewhere", "trunk"),
        CheckpointStore(SystemDisk(), tmp_path, "run", "client"),
    ):
        save(other, 5)
        path_of(other, 5).rename(path_of(store, 5))
        refused(store, 5, "belongs to")


def test_a_setting_that_changed_is_named(store):
    save(store, 1)

    message = refused(store, 1, "was made with seed = 0, now it is 5", {**AGREEMENT, "seed": "5"})
    assert "use the settings of the first run" in message
    refused(store, 1, "was made with dtype = None", {**AGREEMENT, "dtype": "float32"})


FAILING = {"fsync": (os, "fsync"), "rename": (Path, "replace"), "open": (Path, "open")}


@pytest.mark.parametrize(("place", "name"), FAILING.values(), ids=FAILING)
def test_a_failing_write_leaves_the_older_ones(store, monkeypatch, place, name):
    for step in (1, 2):
        save(store, step)

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(place, name, fail)
        with pytest.raises(OSError, match="No space"):
            save(store, 3)

    assert store.steps() == [2, 1]
    assert store.load(2, AGREEMENT).mark.step == 2
    assert save(store, 3).step == 3
    assert store.steps() == [3, 2]


def test_a_file_is_complete_before_it_has_its_name(store, monkeypatch):
    """No file has the name of a checkpoint until all of its bytes are synced."""
    store.folder.mkdir(parents=True)
    seen, real = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda number: (seen.append(store.steps()), real(number))[1])
    save(store, 1)

    assert seen == [[], [1]], "the file first, then the folder"


def test_the_names_of_new_folders_are_forced_to_the_disk_before_anything_is_in_them(store, monkeypatch):
    synced = []
    monkeypatch.setattr(SystemDisk, "sync_folder", lambda _disk, folder: synced.append(folder))
    save(store, 1)

    assert [store.folder.parent, store.folder.parent.parent, store.folder] == synced


@pytest.mark.parametrize("metadata", [None, {"mark": "{}", "mark digest": "0"}])
def test_a_file_of_an_older_format_is_refused_with_advice(store, metadata):
    store.folder.mkdir(parents=True)
    save_file(weights_of(1), path_of(store, 1), metadata)

    refused(store, 1, "move it away to resume from another step")


def test_a_file_with_a_name_of_ones_own_is_left_alone(store):
    store.folder.mkdir(parents=True)
    (store.folder / "step-7.safetensors").write_text("mine")
    for step in range(1, 4):
        save(store, step)

    assert [3, 2] == store.steps()
    assert (store.folder / "step-7.safetensors").exists()


def test_what_earlier_runs_left_is_set_aside_so_often_and_no_more(store):
    for step in range(1, 9):
        save(store, step, ())
        store.set_aside()
    assert [f"trunk-before-{n}" for n in range(1, 9)] == sorted(p.name for p in store.folder.parent.iterdir())
    save(store, 9, ())

    with pytest.raises(OSError, match="trunk-before-8 hold checkpoints of earlier runs"):
        store.set_aside()
    assert [9] == store.steps()
