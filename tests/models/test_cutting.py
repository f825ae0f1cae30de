"""A model that is cut, written in three parts and joined again is the same model.

Shapes: B sequences, T positions.
"""

import json
import shutil
from pathlib import Path

import pytest
import torch
from exactness.cut import batches_of, train_split
from exactness.uncut import difference, load_uncut, same_bits
from transformers import BertConfig, GPT2LMHeadModel

from splitlearn.config import TrainingConfig
from splitlearn.cuts import Cuts
from splitlearn.errors import ModelError
from splitlearn.layouts import LAYOUTS
from splitlearn.models import FAMILY
from splitlearn.models.cutting import part_names
from splitlearn.models.parts import PART_NAMES
from splitlearn.models.stages import CutClientStage, CutTrunkStage

CUTS = ["0:4", "0:1", "3:4", "1:3"]


@pytest.fixture
def parts(config, tmp_path):
    """A folder with the small model cut at 1:3, and the configuration that reads it."""
    FAMILY.split(config, tmp_path / "parts")
    return config.but(model=str(tmp_path / "parts"))


def weights_of(config):
    client, trunk = FAMILY.load_client(config)[0], FAMILY.load_trunk(config)[0]
    return {**dict(client.named_parameters()), **dict(trunk.named_parameters())}


def assert_same(expected, actual):
    assert expected.keys() == actual.keys()
    assert [name for name in expected if not same_bits(expected[name], actual[name])] == []


@pytest.mark.parametrize("settings", [{}, {"tie_word_embeddings": False}, {"n_inner": 48}], ids=str)
@pytest.mark.parametrize("cuts", CUTS)
def test_split_and_export_give_back_the_model(config, small_model, tmp_path, cuts, settings):
    config = config.but(model=str(small_model(**settings)), cuts=cuts)
    expected = load_uncut(config)
    FAMILY.split(config, tmp_path / "parts")
    parts = config.but(model=str(tmp_path / "parts"))
    weights = weights_of(parts)
    assert_same(dict(expected.named_parameters()), weights)
    FAMILY.export(parts, weights, tmp_path / "joined")

    joined = GPT2LMHeadModel.from_pretrained(tmp_path / "joined")
    assert_same(dict(expected.named_parameters()), dict(joined.named_parameters()))
    assert expected.config.tie_word_embeddings == joined.config.tie_word_embeddings
    input_ids_BT = torch.arange(1, 13).view(1, 12)
    with torch.no_grad():
        assert same_bits(expected.eval()(input_ids_BT).logits, joined.eval()(input_ids_BT).logits)


@pytest.mark.parametrize("cuts", CUTS)
def test_no_parameter_is_lost_or_held_by_both_sides(config, cuts):
    config = config.but(cuts=cuts)
    client, trunk = (dict(load(config)[0].named_parameters()) for load in (FAMILY.load_client, FAMILY.load_trunk))

    assert not client.keys() & trunk.keys()
    assert set(FAMILY.load_client(config)[1].parameter_order) == client.keys() | trunk.keys()


@pytest.mark.parametrize("cuts", CUTS)
def test_the_parts_of_a_folder_are_disjoint_and_whole(config, cuts):
    names = [name for name, _ in load_uncut(config).named_parameters()]
    sorted_names = part_names(LAYOUTS["gpt2"], names, Cuts.parse(cuts))

    assert sorted(names) == sorted(name for part in PART_NAMES for name in sorted_names[part])
    assert len(range(*map(int, cuts.split(":")))) == len({name.split(".")[2] for name in sorted_names["trunk"]})


def test_a_preset_is_decided_by_the_seed():
    config = TrainingConfig(model="tiny", vocab_size=300)

    assert_same(weights_of(config), weights_of(config))
    other = weights_of(config.but(seed=1))
    assert not same_bits(weights_of(config)["transformer.wte.weight"], other["transformer.wte.weight"])


def test_a_preset_survives_split_and_export(tmp_path):
    config = TrainingConfig(model="tiny", vocab_size=300)
    FAMILY.split(config, tmp_path / "parts")
    parts = config.but(model=str(tmp_path / "parts"))
    FAMILY.export(parts, weights_of(parts), tmp_path / "joined")

    joined = dict(GPT2LMHeadModel.from_pretrained(tmp_path / "joined").named_parameters())
    assert_same(weights_of(config), joined)


def test_training_from_parts_is_training_from_the_whole(config, parts):
    batches = batches_of(microbatches=2)

    assert difference(train_split(config, batches), train_split(parts, batches)) == ""


def test_both_sides_name_the_same_initial_weights(config, parts):
    fingerprints = {
        load(either)[1].trunk_fingerprint
        for load in (FAMILY.load_client, FAMILY.load_trunk)
        for either in (config, parts)
    }

    assert len(fingerprints) == 1


def test_neither_side_needs_the_others_parts(parts, tmp_path):
    """A client's folder need not hold the trunk's weights, nor the other way round."""
    folder = tmp_path / "parts"
    (folder / "trunk.safetensors").rename(tmp_path / "trunk.safetensors")
    client = FAMILY.load_client(parts)[0]
    (tmp_path / "trunk.safetensors").rename(folder / "trunk.safetensors")
    for name in ("bottom", "top"):
        (folder / f"{name}.safetensors").unlink()
    trunk = FAMILY.load_trunk(parts)[0]

    assert isinstance(client, CutClientStage)
    assert isinstance(trunk, CutTrunkStage)


def test_parts_hold_weights_and_nothing_that_runs(parts, tmp_path):
    names = sorted(path.name for path in (tmp_path / "parts").iterdir())

    assert sorted({*names, "generation_config.json"}) == [
        "bottom.safetensors", "config.json", "generation_config.json",
        "split.json", "top.safetensors", "trunk.safetensors",
    ]  # fmt: skip
    assert parts.cuts == Cuts(1, 3)


def test_the_dropout_of_the_run_overrides_the_models(config):
    trunk = FAMILY.load_trunk(config.but(dropout=0.25))[0]

    assert {0.25} == {module.p for module in trunk.modules() if isinstance(module, torch.nn.Dropout)}
    assert {0.1} == {m.p for m in FAMILY.load_trunk(config)[0].modules() if isinstance(m, torch.nn.Dropout)}


# Refusals


def refused(call, *arguments):
    with pytest.raises(ModelError) as caught:
        call(*arguments)
    return str(caught.value)


LOADERS = [FAMILY.load_client, FAMILY.load_trunk]


@pytest.mark.parametrize("load", LOADERS)
def test_cuts_beyond_the_last_block_are_refused(config, load, tmp_path):
    config = config.but(cuts="1:5")

    assert "cuts = 1:5: the model has 4 blocks" in refused(load, config)
    assert "4 blocks" in refused(FAMILY.split, config, tmp_path / "out")


@pytest.mark.parametrize("load", LOADERS)
def test_cuts_other_than_the_folders_are_refused(parts, load):
    message = refused(load, parts.but(cuts="0:2"))

    assert "was cut at 1:3; use --cuts 1:3" in message
    assert "split.json" in message


@pytest.mark.parametrize("load", LOADERS)
def test_a_model_that_is_nowhere_is_refused_with_what_may_be_given(config, load, tmp_path):
    message = refused(load, config.but(model=str(tmp_path / "nowhere")))

    assert "nowhere" in message
    assert "give a preset (nano, " in message


@pytest.mark.parametrize("load", LOADERS)
def test_a_name_that_is_not_on_the_hub_is_refused(config, load):
    assert "give a preset" in refused(load, config.but(model="no-such-model"))


@pytest.mark.parametrize("load", LOADERS)
def test_an_empty_folder_is_refused(config, load, tmp_path):
    assert "give a preset" in refused(load, config.but(model=str(tmp_path)))


@pytest.mark.parametrize("load", LOADERS)
def test_a_model_of_another_kind_is_refused(config, load, tmp_path):
    BertConfig(hidden_size=32, num_attention_heads=2).save_pretrained(tmp_path)

    assert "is of type 'bert'; only gpt2 can be cut" in refused(load, config.but(model=str(tmp_path)))


@pytest.mark.parametrize("load", LOADERS)
def test_a_folder_with_a_config_that_is_no_json_is_refused(config, load, tmp_path):
    (tmp_path / "config.json").write_text("{")

    assert "give a preset" in refused(load, config.but(model=str(tmp_path)))


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.parametrize("damage", ["truncated", "no tensors", "missing"])
def test_a_damaged_checkpoint_is_refused(config, load, damage, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(config.model, folder)
    path = folder / "model.safetensors"
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:1000] if damage == "truncated" else b"no tensors")

    assert "cannot be loaded" in refused(load, config.but(model=str(folder)))


@pytest.mark.parametrize("load", LOADERS)
def test_a_checkpoint_that_lacks_a_weight_is_refused(config, load, tmp_path):
    """The library would fill it with random numbers."""
    model = load_uncut(config)
    weights = model.state_dict()
    del weights["lm_head.weight"], weights["transformer.h.2.ln_1.bias"]
    model.save_pretrained(tmp_path, state_dict=weights)

    assert "has no weights for transformer.h.2.ln_1.bias" in refused(load, config.but(model=str(tmp_path)))


PARTS_OF = [(FAMILY.load_client, "bottom"), (FAMILY.load_client, "top"), (FAMILY.load_trunk, "trunk")]


@pytest.mark.parametrize(("load", "part"), PARTS_OF)
def test_a_torn_part_is_refused_by_name(parts, load, part, tmp_path):
    path = tmp_path / "parts" / f"{part}.safetensors"
    path.write_bytes(path.read_bytes()[:-10])

    assert f"cannot read {path}" in refused(load, parts)
    path.unlink()
    assert "run `splitlearn split` again" in refused(load, parts)


@pytest.mark.parametrize(("load", "part"), PARTS_OF)
def test_a_part_with_a_flipped_bit_is_refused(parts, load, part, tmp_path):
    path = tmp_path / "parts" / f"{part}.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))

    assert "does not match" in refused(load, parts)


def test_the_part_of_another_model_is_refused(parts, config, small_model, tmp_path):
    other = config.but(model=str(small_model(n_inner=48)))
    FAMILY.split(other, tmp_path / "other")
    shutil.copy(tmp_path / "other" / "trunk.safetensors", tmp_path / "parts" / "trunk.safetensors")

    assert "does not match" in refused(FAMILY.load_trunk, parts)


def test_the_manifest_of_another_model_is_refused(config, small_model, tmp_path):
    """All three parts and their manifest are of a model of another shape than config.json says."""
    FAMILY.split(config.but(model=str(small_model(n_inner=48))), tmp_path / "other")
    shutil.copy(Path(config.model) / "config.json", tmp_path / "other" / "config.json")
    mixed = config.but(model=str(tmp_path / "other"))

    for load in LOADERS:
        assert "not the model's" in refused(load, mixed)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"family": "gpt2", "cuts": "1:3", "fingerprints": 5}'])
def test_a_damaged_manifest_is_refused(parts, content, tmp_path):
    path = tmp_path / "parts" / "split.json"
    path.write_text(content)

    assert "is no readable split manifest" in refused(FAMILY.load_client, parts)


def test_a_manifest_without_a_digest_is_refused(parts, tmp_path):
    path = tmp_path / "parts" / "split.json"
    manifest = json.loads(path.read_text())
    del manifest["fingerprints"]["trunk"]
    path.write_text(json.dumps(manifest))

    for load in LOADERS:
        assert "split" in refused(load, parts)


def test_a_split_that_was_interrupted_leaves_no_valid_folder(config, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError("No space left on device")

    FAMILY.split(config, tmp_path / "parts")
    monkeypatch.setattr("splitlearn.models.parts.save_file", fail)
    with pytest.raises(OSError, match="No space"):
        FAMILY.split(config, tmp_path / "parts")
    assert not (tmp_path / "parts" / "split.json").exists()


def test_weights_that_make_no_whole_model_are_not_exported(config, tmp_path):
    weights = weights_of(config)
    missing = {name: weights[name] for name in list(weights)[1:]}

    assert "do not make one whole model" in refused(FAMILY.export, config, missing, tmp_path / "out")
    assert not (tmp_path / "out").exists()
