"""Presets against what OpenAI published of GPT-2, and against the judge's own table."""

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from harness.oracle.uncut import SIZES, load_model
from splitlearn.config import TrainingConfig
from splitlearn.models.sources import load_config, load_whole
from splitlearn.presets import PRESETS

TOKENS = 50_257
# `config.json` of the published checkpoints; parameters as the library counts them, tied embeddings once.
PUBLISHED = {
    "small": {"n_layer": 12, "n_head": 12, "n_embd": 768, "parameters": 124_439_808},
    "medium": {"n_layer": 24, "n_head": 16, "n_embd": 1024, "parameters": 354_823_168},
    "large": {"n_layer": 36, "n_head": 20, "n_embd": 1280, "parameters": 774_030_080},
    "xl": {"n_layer": 48, "n_head": 25, "n_embd": 1600, "parameters": 1_557_611_200},
}
OURS = {
    "nano": {"n_layer": 3, "n_head": 2, "n_embd": 16, "n_positions": 64},
    "tiny": {"n_layer": 4, "n_head": 4, "n_embd": 64},
    "micro": {"n_layer": 4, "n_head": 8, "n_embd": 256},
    "mini": {"n_layer": 6, "n_head": 6, "n_embd": 384},
}
# The same in every published size.
COMMON = {
    "n_positions": 1024, "n_inner": None, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5,
    "initializer_range": 0.02, "resid_pdrop": 0.1, "embd_pdrop": 0.1, "attn_pdrop": 0.1, "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False, "reorder_and_upcast_attn": False, "tie_word_embeddings": True,
}  # fmt: skip


def differing(settings, expected):
    return {name: getattr(settings, name) for name, value in expected.items() if getattr(settings, name) != value}


@pytest.mark.parametrize("name", [name for name in PUBLISHED if name in PRESETS])
def test_a_preset_with_a_published_name_is_the_published_model(name):
    settings = load_config(TrainingConfig(model=name, vocab_size=TOKENS))
    parameters = PUBLISHED[name]["parameters"]
    sizes = {key: value for key, value in PUBLISHED[name].items() if key != "parameters"}

    assert {} == differing(settings, {**COMMON, **sizes, "vocab_size": TOKENS})
    with torch.device("meta"):
        assert parameters == GPT2LMHeadModel(settings).num_parameters()


def test_small_and_medium_are_presets():
    assert {"small", "medium"} <= PRESETS.keys()


@pytest.mark.parametrize("name", OURS)
def test_a_preset_of_our_own_has_the_committed_size(name):
    assert {} == differing(load_config(TrainingConfig(model=name)), {**COMMON, **OURS[name], "vocab_size": 2048})


def test_every_preset_is_held_here_and_known_to_the_judge():
    assert PRESETS.keys() <= {*PUBLISHED, *OURS}
    assert SIZES.keys() == PRESETS.keys()


@pytest.mark.parametrize("dropout", [None, 0.0, 0.25])
def test_judge_and_system_build_the_same_model_from_the_same_weights(dropout):
    config = TrainingConfig(model="tiny", vocab_size=300, seed=3, dropout=dropout)
    expected, actual = load_model(config), load_whole(config)

    assert expected.config.to_dict() == actual.config.to_dict()
    assert all(torch.equal(one, other) for one, other in zip(expected.parameters(), actual.parameters(), strict=True))
    rates = [module.p for module in actual.modules() if isinstance(module, torch.nn.Dropout)]
    assert {0.1 if dropout is None else dropout} == {*rates}
    assert rates == [module.p for module in expected.modules() if isinstance(module, torch.nn.Dropout)]


def test_dropout_overrides_a_folders_own_rates(small_model):
    folder = str(small_model(attn_pdrop=0.3))
    config = TrainingConfig(model=folder, dropout=0.2)
    plain = TrainingConfig(model=folder)

    for load in (load_model, load_whole):
        assert (0.2, 0.2, 0.2) == tuple(
            getattr(load(config).config, f"{part}_pdrop") for part in ("attn", "embd", "resid")
        )
        assert (0.3, 0.1, 0.1) == tuple(
            getattr(load(plain).config, f"{part}_pdrop") for part in ("attn", "embd", "resid")
        )


def test_the_library_itself_still_means_gpt2_small_by_its_defaults():
    assert {} == differing(GPT2Config(), {**COMMON, "n_layer": 12, "n_head": 12, "n_embd": 768, "vocab_size": TOKENS})
