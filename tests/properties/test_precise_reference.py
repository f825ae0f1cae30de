"""The float32 gradients of judge and system are those of an independent float64 computation, within a derived bound.

Equal bits say nothing of a bug that both share; this does.
"""

import pytest
import torch.nn.functional as F
from hypothesis import assume, given, target
from hypothesis import strategies as st
from properties.budget import examples, scratch
from properties.in_process import InProcess
from safetensors.torch import load_file
from transformers.models.gpt2.modeling_gpt2 import GPT2Attention

from harness.engine.materials import with_materials
from harness.oracle.batches import Batches
from harness.oracle.precise.bound import ratios
from harness.oracle.precise.layers import ACTIVATIONS
from harness.oracle.reference import train_reference
from harness.oracle.uncut import load_model
from harness.plan.generated import Gpt2Shape, Lines
from harness.plan.scenario import Scenario
from harness.properties.judged import described, judged
from harness.properties.trainings import ACTIVATIONS as DRAWN_ACTIVATIONS
from harness.properties.trainings import trainings
from harness.recorder.format import TENSOR, whole_file
from splitlearn.config import TrainingConfig
from splitlearn.data import load_training_data

SMOOTH = {
    "dtype": st.just("float32"),
    "codec": st.sampled_from(("raw", "zlib", "shuffle-zstd")),
}


def whole(folder, step, microbatch, name):
    """Read a tensor that the reference kept, in double precision."""
    return load_file(folder / whole_file(step, microbatch, name))[TENSOR].double().numpy()


def worst_ratio(scenario, folder):
    """Train the reference and return the largest share of its bound that any loss or gradient of any step takes."""
    config = with_materials(scenario, folder).config
    batches = Batches(config, load_training_data(config).sequences)
    steps = range(batches.total_steps)
    (folder / "reference").mkdir(parents=True)
    train_reference(config, folder / "reference", steps)
    model = load_model(config)
    names = list(dict(model.named_parameters()))
    weights = {name: parameter.detach().double().numpy() for name, parameter in model.named_parameters()}
    found = []
    for step in steps:
        batch = batches.step(step)
        gradients = {name: whole(folder / "reference", step, None, name) for name in names}
        losses = {f"loss.{i}": whole(folder / "reference", step, i, "loss") for i in range(len(batch))}
        found += ratios({**gradients, **losses}, model.config, config, weights, batch, step).items()
        weights = {name: whole(folder / "reference", step, None, f"weight/{name}") for name in names}
    return max(found, key=lambda each: each[1])


@examples(12)
@given(trainings(**SMOOTH))
def test_no_gradient_of_the_reference_is_further_from_the_exact_one_than_its_bound(scenario):
    assume('"relu"' not in scenario.materials[0])
    with scratch() as folder:
        name, share = worst_ratio(scenario, folder)
    target(share, label="share of the bound")
    assert share <= 1, f"{name} is {share:g} times its bound away\n{described(scenario)}"


@pytest.fixture
def drawn():
    """Everything that the planted bugs need."""
    shape = Gpt2Shape(
        n_layer=2, scale_attn_by_inverse_layer_idx=True, activation_function="gelu", initializer_range=0.1
    )
    config = TrainingConfig(
        vocab_size=260, cuts="0:1", max_length=10, batch_size=3, max_steps=1, data_format="lines", label_smoothing=0.1
    )
    return Scenario("drawn", "With dropout and padding", config, materials=(shape.material, Lines().material))


def scaled_by_a_little(patch):
    """Plant: attention scaled by a thousandth too much."""
    build = GPT2Attention.__init__

    def scale(self, *args, **more):
        build(self, *args, **more)
        self.scaling *= 1.001

    patch.setattr(GPT2Attention, "__init__", scale)


def with_another_epsilon(patch):
    """Plant: a layer norm that adds twice its epsilon."""
    norm = F.layer_norm
    patch.setattr(F, "layer_norm", lambda x, shape, weight, bias, epsilon: norm(x, shape, weight, bias, 2 * epsilon))


def with_the_other_gelu(patch):
    """Plant: the approximation by a hyperbolic tangent."""
    gelu = F.gelu
    patch.setattr(F, "gelu", lambda x: gelu(x, approximate="tanh"))


def smoothed_by_a_little(patch):
    """Plant: label smoothing a hundredth too strong."""
    entropy = F.cross_entropy
    patch.setattr(
        F, "cross_entropy", lambda *args, label_smoothing, **more: entropy(
            *args, label_smoothing=1.01 * label_smoothing, **more
        )
    )  # fmt: skip


@pytest.mark.parametrize("plant", [scaled_by_a_little, with_another_epsilon, with_the_other_gelu, smoothed_by_a_little])
def test_planted_bugs_that_judge_and_system_share_are_seen(monkeypatch, tmp_path, drawn, plant):
    """Both call the library, and their bits stay equal."""
    plant(monkeypatch)
    name, share = worst_ratio(drawn, tmp_path / "shared")
    assert share > 1, f"{name} is within its bound"
    monkeypatch.undo()
    assert worst_ratio(drawn, tmp_path / "right")[1] <= 1


def test_two_sides_that_share_a_bug_have_equal_bits(monkeypatch, tmp_path, drawn):
    scaled_by_a_little(monkeypatch)
    equivalence = judged(drawn, tmp_path, InProcess())
    assert (0, ()) == (equivalence.differing, equivalence.missing)


def test_every_smooth_activation_that_is_drawn_has_a_formula():
    assert {*ACTIVATIONS} == {*DRAWN_ACTIVATIONS} - {"relu"}
