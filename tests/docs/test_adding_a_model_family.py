"""docs/adding-a-model-family.md: its file is enough to cut and train another family, with the uncut model's bits."""

import re

import pytest
import torch
from docs.conftest import DOCS
from exactness.cut import batches_of, train_split
from exactness.uncut import difference, load_uncut, train_uncut
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

from harness.oracle.layouts import layout_of, part_of
from harness.oracle.uncut import load_model
from splitlearn.models import FAMILY
from splitlearn.registry import LAYOUTS


@pytest.fixture(scope="module")
def neox():
    """The layout of the page, known while these tests run."""
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / "adding-a-model-family.md").read_text(), re.DOTALL)
    exec(compile(code, "adding-a-model-family.md", "exec"), {"__name__": "page"})  # noqa: S102 - the page is ours
    yield LAYOUTS["gpt_neox"]
    LAYOUTS.registered.pop("gpt_neox")


@pytest.fixture
def model(neox, config, tmp_path):
    """Settings of a run with a small model of this family, with dropout."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 64}
    dropouts = dict.fromkeys(neox.dropouts, 0.1)
    settings = GPTNeoXConfig(
        vocab_size=300, max_position_embeddings=24, bos_token_id=0, eos_token_id=0, **sizes, **dropouts
    )
    GPTNeoXForCausalLM(settings).save_pretrained(tmp_path / "neox")
    return config.but(model=str(tmp_path / "neox"))


@pytest.mark.parametrize(
    "changes", [{}, {"cuts": "0:2", "attention": "eager"}, {"cuts": "2:4", "dropout": 0.3}], ids=str
)
def test_split_training_has_the_bits_of_the_uncut_model(model, changes):
    run = model.but(**changes)
    batches = batches_of(steps=3, microbatches=2)

    assert difference(train_uncut(run, batches), train_split(run, batches)) == ""


def test_without_rotary_positions_the_bits_are_others(model, monkeypatch):
    """Planted: rotary embeddings that give every position the same angle."""
    batches = batches_of(steps=1)
    expected = train_uncut(model, batches)
    rotary = "transformers.models.gpt_neox.modeling_gpt_neox.GPTNeoXRotaryEmbedding.forward"

    def no_angles(self, hidden_BTH, position_ids):
        cos = torch.ones(1, position_ids.shape[1], self.inv_freq.numel() * 2)
        return cos, torch.zeros_like(cos)

    monkeypatch.setattr(rotary, no_angles)

    assert difference(expected, train_split(model, batches)) != ""


def test_parts_folders_and_exports_work_too(model, tmp_path):
    batches = batches_of(steps=2)
    FAMILY.split(model, tmp_path / "parts")
    parts = model.but(model=str(tmp_path / "parts"))

    outcome = train_split(parts, batches)
    FAMILY.export(parts, outcome.weights, tmp_path / "joined")

    assert difference(train_uncut(model, batches), outcome) == ""
    joined = dict(load_uncut(model.but(model=str(tmp_path / "joined"))).named_parameters())
    assert all(torch.equal(outcome.weights[name], joined[name]) for name in joined)


def test_the_judge_reads_the_layout_of_a_family_that_it_has_not_itself(neox, model):
    names = [name for name, _ in load_model(model).named_parameters()]

    assert layout_of("gpt_neox").norm == "gpt_neox.final_layer_norm"
    assert [part_of(name, model.cuts) for name in names] == [neox.part_of(name, model.cuts) for name in names]
