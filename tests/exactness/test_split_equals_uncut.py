"""A split run has the same bits as the uncut model: losses, gradients, norms, final weights and optimizer state."""

import pytest
import torch
from exactness.cut import batches_of, train_split
from exactness.uncut import difference, train_uncut

from splitlearn.config import TrainingConfig


def assert_equal_to_uncut(config, batches):
    expected, actual = train_uncut(config, batches), train_split(config, batches)
    assert difference(expected, actual) == ""


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("microbatches", [1, 3])
@pytest.mark.parametrize("cuts", ["0:4", "0:2", "1:3", "2:4"])
def test_wherever_it_is_cut(config, cuts, microbatches, attention):
    """Dropout, clipping and ragged batches are on in all of these."""
    assert_equal_to_uncut(
        config.but(cuts=cuts, attention=attention), batches_of(steps=4, microbatches=microbatches, rows=3)
    )


CASES = {
    "without clipping": {"max_grad_norm": 0},
    "with a limit that no gradient reaches": {"max_grad_norm": 1e6},
    "without dropout": {"dropout": 0.0},
    "with much dropout": {"dropout": 0.4},
    "adam": {"optimizer_type": "adam"},
    "sgd with momentum": {"optimizer_type": "sgd"},
    "adam with weight decay": {"optimizer_type": "adam", "weight_decay": 0.3},
    "sgd with weight decay": {"optimizer_type": "sgd", "weight_decay": 0.3},
    "adamw without weight decay": {"weight_decay": 0.0},
    "z loss": {"loss_type": "z_loss"},
    "label smoothing": {"label_smoothing": 0.1},
    "z loss and label smoothing": {"loss_type": "z_loss", "label_smoothing": 0.2},
    "a constant learning rate": {"use_scheduler": False},
    "a constant learning rate after a warm-up": {"scheduler_type": "constant", "warmup_steps": 2},
    "a cosine after a warm-up": {"scheduler_type": "cosine", "warmup_steps": 2},
    "bfloat16": {"dtype": "bfloat16"},
    "bfloat16 with eager attention": {"dtype": "bfloat16", "attention": "eager"},
    "another seed": {"seed": 2**63 - 1},
    "compressed messages": {"codec": "zlib"},
}


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
@pytest.mark.parametrize("microbatches", [1, 3])
def test_under_every_setting(config, changes, microbatches):
    assert_equal_to_uncut(config.but(**changes), batches_of(steps=4, microbatches=microbatches))


MODELS = {
    "attention scaled by layer": {"scale_attn_by_inverse_layer_idx": True},
    "untied embeddings": {"tie_word_embeddings": False},
    "no scaling of attention": {"scale_attn_weights": False},
    "another activation": {"activation_function": "relu"},
    "wide feed-forward": {"n_inner": 48},
}


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("settings", MODELS.values(), ids=MODELS)
def test_for_every_kind_of_model(config, small_model, settings, attention):
    config = config.but(model=str(small_model(**settings)), attention=attention, cuts="1:3")
    assert_equal_to_uncut(config, batches_of(microbatches=2))


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_with_batches_that_need_no_padding(config, attention):
    """Without padding the library uses another attention kernel."""
    assert_equal_to_uncut(config.but(attention=attention), batches_of(microbatches=2, ragged=False))


def test_when_the_last_step_has_fewer_microbatches_and_rows(config):
    batches = [*batches_of(steps=2, microbatches=3), *batches_of(steps=1, microbatches=1, rows=1, seed=5)]
    assert_equal_to_uncut(config, batches)


@pytest.mark.parametrize("rows", [1, 5])
def test_with_one_sequence_and_with_many(config, rows):
    assert_equal_to_uncut(config, batches_of(microbatches=2, rows=rows, length=16))


def test_over_many_steps(config):
    assert_equal_to_uncut(config, batches_of(steps=30, microbatches=2))


def test_the_comparison_sees_one_bit(config):
    """Planted: the last bit of one final weight."""
    batches = batches_of(steps=1)
    expected, actual = train_uncut(config, batches), train_split(config, batches)
    weight = actual.weights["transformer.h.2.ln_1.bias"]
    weight.view(-1).view(torch.int32)[0] ^= 1

    assert difference(expected, actual) == "final transformer.h.2.ln_1.bias"


def test_the_small_model_is_what_these_tests_mean(config):
    assert TrainingConfig().cuts == config.cuts
    assert config.dropout is None
