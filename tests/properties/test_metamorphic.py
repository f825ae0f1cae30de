"""Changes of a training that must change no bit of it; that needs no reference.

Every planted bug breaks one of these for a training that shows it.
"""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, reject
from hypothesis import strategies as st
from properties.any_order import AnyOrder
from properties.budget import examples, scratch
from properties.in_process import InProcess
from properties.planted import (
    another_wd_for_another_session,
    joined_as_they_come,
    numbered_anew,
    resumed_without_moments,
)
from safetensors.torch import load_file

from harness.engine.materials import with_materials
from harness.oracle.batches import Batches, PaddedBatch
from harness.oracle.digests import read_digests
from harness.oracle.precise.bound import ratios
from harness.oracle.reference import microbatch_loss
from harness.oracle.uncut import load_model
from harness.plan.generated import Gpt2Shape, Lines
from harness.plan.scenario import Scenario
from harness.properties.settings import DRAWN
from harness.properties.trainings import trainings
from harness.recorder.digest import digest
from splitlearn.config import Scope, TrainingConfig, names_of
from splitlearn.cuts import Cuts
from splitlearn.data import load_training_data
from splitlearn.wire.lossy import LossyTransport

LOSSLESS = {"codec": st.sampled_from(("raw", "zlib", "shuffle-zstd"))}


def trained(scenario, folder, system, **changes):
    """Train with some settings changed; return the digest of everything that was recorded or is left at the end."""
    config = with_materials(scenario, folder.parent / "materials").config.but(save_dir=folder / "saved", **changes)
    folder.mkdir(exist_ok=True)
    files = system(config, folder)
    recorded = {str(place): found for place, found in read_digests(p / "digests.jsonl" for p in files.parts).items()}
    final = {name: tensor for path in files.finals for name, tensor in load_file(path).items()}
    return recorded | {name: digest(tensor) for name, tensor in final.items()}


def steps_of(scenario, folder):
    """Count a training's steps."""
    config = with_materials(scenario, folder / "materials").config
    return Batches(config, load_training_data(config).sequences).total_steps


def at_no_cut(found):
    """Leave out what crosses a cut, which is something else at another cut."""
    crossing = ("smashed", "features", "codec_states/")
    return {name: value for name, value in found.items() if not name.startswith(crossing)}


@examples(5)
@given(trainings(dropout=st.just(0.0), **LOSSLESS), st.integers(0, 3), st.integers(0, 3))
def test_moving_the_cut(scenario, lower, blocks):
    """Without dropout only: each stage has a seed of its own, so another cut means other masks."""
    depth = Gpt2Shape.parse(scenario.materials[0].partition(": ")[2]).n_layer
    lower %= depth
    cuts = Cuts(lower, min(lower + 1 + blocks, depth))
    if cuts == scenario.config.cuts:
        reject()
    with scratch() as folder:
        here = trained(scenario, folder / "here", InProcess())
        there = trained(scenario, folder / "there", InProcess(), cuts=cuts)
    assert at_no_cut(here) == at_no_cut(there)


@examples(4)
@given(trainings(gradient_accumulation_steps=st.just(3)), st.integers(0, 99))
def test_the_order_in_which_microbatches_arrive(scenario, seed):
    with scratch() as folder:
        straight = trained(scenario, folder / "straight", InProcess())
        mixed = trained(scenario, folder / "mixed", InProcess(wrap=lambda inner: AnyOrder(inner, seed)))
    assert straight == mixed


@examples(4)
@given(trainings(max_steps=st.just(3)), st.integers(0, 1))
def test_stopping_and_resuming_anywhere(scenario, after):
    with scratch() as folder:
        if steps_of(scenario, folder) <= after + 1:
            reject()
        whole = trained(scenario, folder / "whole", InProcess())
        system = InProcess(stop_after=after)
        trained(scenario, folder / "parts", system)
        parts = trained(scenario, folder / "parts", replace(system, resume="must", stop_after=None))
    assert whole == parts


FREE = names_of(Scope.CLIENT, Scope.EACH)


@examples(4)
@given(trainings(), st.fixed_dictionaries({name: DRAWN[name] for name in FREE if name in DRAWN}), st.integers(0, 99))
def test_settings_on_which_no_bit_depends_and_a_transport_that_loses_messages(scenario, changes, seed):
    """The session's name, intervals, limits: all that `Scope` says to be free."""
    with scratch() as folder:
        before = trained(scenario, folder / "before", InProcess())
        lossy = InProcess(wrap=lambda inner: LossyTransport(inner, seed))
        after = trained(scenario, folder / "after", lossy, **changes)
    assert before == after


@examples(6)
@given(trainings(dtype=st.just("float32"), dropout=st.just(0.0), **LOSSLESS), st.integers(1, 8))
def test_more_padding_stays_within_the_bound_of_the_exact_gradients(scenario, columns):
    """It does change bits: with more positions the library groups its sums otherwise."""
    shape = Gpt2Shape.parse(scenario.materials[0].partition(": ")[2])
    wide = replace(shape, n_positions=shape.n_positions + columns, activation_function="gelu")
    scenario = replace(scenario, materials=(wide.material, scenario.materials[1]))
    with scratch() as folder:
        config = with_materials(scenario, folder).config
        batch = Batches(config, load_training_data(config).sequences).step(0)
        model = load_model(config)
        tokens = sum(one.targets for one in batch)
        losses = [microbatch_loss(model, padded(one, columns), tokens, config) for one in batch]
        for loss in losses:
            loss.backward()
    found = {name: parameter.grad.double().numpy() for name, parameter in model.named_parameters()}
    found |= {f"loss.{number}": loss.detach().double().numpy() for number, loss in enumerate(losses)}
    weights = {name: parameter.detach().double().numpy() for name, parameter in model.named_parameters()}
    name, share = max(ratios(found, model.config, config, weights, batch, 0).items(), key=lambda each: each[1])
    assert share <= 1, name


def padded(batch, columns):
    """Add columns of padding."""
    parts = ((batch.input_ids_BT, 0), (batch.attention_mask_BT, 0), (batch.labels_BT, -100))
    return PaddedBatch(*(torch.nn.functional.pad(tensor, (0, columns), value=value) for tensor, value in parts))


PLAIN = TrainingConfig(
    vocab_size=257, cuts="1:3", data_format="lines", max_length=8, batch_size=2, gradient_accumulation_steps=3,
    max_steps=2, dropout=0.0,
)  # fmt: skip
SCENARIO = Scenario("drawn", "Scaled by layer", PLAIN, topology="direct", materials=(
    Gpt2Shape(scale_attn_by_inverse_layer_idx=True, initializer_range=0.1).material, Lines((5,) * 12).material,
))  # fmt: skip


PLANTED = {
    numbered_anew: (test_moving_the_cut, (0, 1)),
    joined_as_they_come: (test_the_order_in_which_microbatches_arrive, (3,)),
    resumed_without_moments: (test_stopping_and_resuming_anywhere, (0,)),
    another_wd_for_another_session: (
        test_settings_on_which_no_bit_depends_and_a_transport_that_loses_messages, ({"session": "other"}, 1)
    ),
}  # fmt: skip


@pytest.mark.parametrize("plant", PLANTED)
def test_planted(monkeypatch, plant):
    prop, arguments = PLANTED[plant]
    prop.hypothesis.inner_test(SCENARIO, *arguments)
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        prop.hypothesis.inner_test(SCENARIO, *arguments)


def test_dropout_alone_depends_on_the_cut(tmp_path):
    """The masks of a stage follow from its seed; so with dropout, another cut is another training."""
    scenario = SCENARIO.but(dropout=0.1)
    here, there = (trained(scenario, tmp_path / cuts, InProcess(), cuts=cuts) for cuts in ("1:3", "1:2"))
    assert at_no_cut(here) != at_no_cut(there)


def test_another_order_is_another_order():
    """The transport above does what it says, or the property would say nothing."""

    class Noting:
        def __init__(self):
            self.seen = []

        def call(self, method, request, timeout):
            self.seen.append(request)
            return self

        def result(self):
            return self.seen[-1]

    noting = Noting()
    transport = AnyOrder(noting, 1)
    answers = [transport.call("Compute", number, 1.0) for number in range(9)]
    answers[0].result()
    for answer in answers:
        answer.result()
    assert sorted(noting.seen) == list(range(9)) != noting.seen
    assert transport.overtaken
