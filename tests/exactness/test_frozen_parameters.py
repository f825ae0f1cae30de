"""Some parameters frozen: the others are trained with the bits of the uncut model in which the same ones are frozen."""

import json

import pytest
from exactness import uncut
from exactness.cut import SplitRun, batches_of
from exactness.uncut import difference, same_bits, train_uncut
from safetensors.torch import load_file

from harness.oracle import reference
from splitlearn.agreement import agreement, first_difference
from splitlearn.checkpoint import CheckpointStore
from splitlearn.models import FAMILY, cutting
from splitlearn.models.family import fingerprint
from splitlearn.runtime import real_runtime
from splitlearn.trunk.session import TrunkSession

BLOCK = "transformer.h.{}.".format
FROZEN = {
    "the embeddings": ("transformer.wte.", "transformer.wpe."),
    "the whole bottom": ("transformer.wte.", "transformer.wpe.", BLOCK(0)),
    "one block of the trunk": (BLOCK(1),),
    "the whole trunk": (BLOCK(1), BLOCK(2)),
    "the last blocks": (BLOCK(2), BLOCK(3)),
    "the whole top": (BLOCK(3), "transformer.ln_f.", "transformer.wte."),
    "all but the norms": (
        "transformer.wte.", "transformer.wpe.", *(f"{BLOCK(i)}{part}" for i in range(4) for part in ("attn.", "mlp."))
    ),
}  # fmt: skip


def freezing(load, prefixes):
    """Return a loader of models in which the parameters of some names are frozen."""

    def load_and_freeze(*args):
        model = load(*args)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(not name.startswith(prefixes))
        return model

    return load_and_freeze


@pytest.fixture
def freeze(monkeypatch):
    """Return a function that freezes parameters in every model that is loaded, cut or not, the judge's too."""

    def do(prefixes):
        for module, name in ((cutting, "load_whole"), (uncut, "load_uncut"), (reference, "load_model")):
            monkeypatch.setattr(module, name, freezing(getattr(module, name), prefixes))

    return do


@pytest.mark.parametrize("microbatches", [1, 3])
@pytest.mark.parametrize("prefixes", FROZEN.values(), ids=FROZEN)
def test_the_others_are_trained_as_in_the_uncut_model(config, freeze, prefixes, microbatches):
    freeze(prefixes)
    batches = batches_of(steps=3, microbatches=microbatches)
    run = SplitRun(config, len(batches))

    expected, actual = train_uncut(config, batches), run.train(batches)

    assert difference(expected, actual) == ""
    initial = dict(FAMILY.load_client(config)[0].named_parameters()) | dict(
        FAMILY.load_trunk(config)[0].named_parameters()
    )
    frozen = {name for name in initial if name.startswith(prefixes)}
    assert frozen == {name for name in initial if same_bits(initial[name], actual.weights[name])}
    assert frozen == {*run.stage.frozen(), *run.trunk._session.stage.frozen()}
    assert not [name for name in actual.optimizer_state if name.startswith(prefixes)]


def test_clipping_off_and_a_tied_weight_frozen(config, freeze):
    freeze(("transformer.wte.",))
    config = config.but(max_grad_norm=0, optimizer_type="sgd", weight_decay=0.3)
    batches = batches_of(steps=3, microbatches=2)
    assert difference(train_uncut(config, batches), SplitRun(config, len(batches)).train(batches)) == ""


@pytest.mark.parametrize(("prefixes", "asked"), [((BLOCK(1),), 2), ((BLOCK(1), BLOCK(2)), 0)])
def test_a_trunk_without_gradients_is_not_asked_for_them(config, freeze, monkeypatch, prefixes, asked):
    freeze(prefixes)
    run, steps = SplitRun(config, 2), []
    gradients = run.trunk.gradients
    monkeypatch.setattr(run.client_tensor_log, "keeps_whole", lambda _step: True)
    monkeypatch.setattr(run.trunk, "gradients", lambda step: steps.append(step) or gradients(step))

    run.train(batches_of(steps=2))

    assert asked == len(steps)


def test_a_checkpoint_has_all_weights_and_only_the_state_of_those_that_are_trained(config, freeze):
    freeze((BLOCK(1), "transformer.wte."))
    run = SplitRun(config, 2)
    run.train(batches_of(steps=2))
    session = run.trunk._session
    store = CheckpointStore(real_runtime().disk, config.save_dir, config.session, "trunk", like=session.weights())
    mark = store.save(2, {}, session.weights(), session.optimizer_state())

    half = store.load(2, {})

    assert mark.weights == fingerprint(half.weights) == session.fingerprint()
    assert {*half.weights} == {*dict(session.stage.named_parameters())}
    assert {name.rpartition("/")[0] for name in half.optimizer_state} == {*session.stage.trainable()}

    other = TrunkSession(FAMILY.load_trunk(config)[0], config, session._probe, run.trunk_tensor_log)
    other.restore(half)
    assert (2, session.fingerprint()) == (other.applied_step, other.fingerprint())
    ours, theirs = session.optimizer_state(), other.optimizer_state()
    assert ours.keys() == theirs.keys()
    assert all(same_bits(ours[name], theirs[name]) for name in ours)


def test_two_sides_that_freeze_other_parameters_are_told_apart(config, freeze):
    plain = agreement(config, FAMILY.load_trunk(config)[1])
    freeze((f"{BLOCK(1)}ln_1.",))
    frozen = agreement(config, FAMILY.load_client(config)[1])

    assert first_difference(plain, frozen).startswith(f"model.frozen is {BLOCK(1)}ln_1.weight, {BLOCK(1)}ln_1.bias at")


def test_the_judges_reference_freezes_too(config, freeze, tmp_path):
    freeze((BLOCK(0), "transformer.wte."))
    text = tmp_path / "text.txt"
    text.write_text("\n".join(f"Line {n} says that {n} and {n} are {n + n}." for n in range(40)))
    config = config.but(data=str(text), data_format="lines", vocab_size=300, max_length=16, batch_size=4, max_steps=2)

    reference.train_reference(config, tmp_path, [0])

    final = load_file(tmp_path / "final.safetensors")
    names = {name.removeprefix("weights/") for name in final if name.startswith("weights/")}
    assert {*dict(FAMILY.load_trunk(config)[0].named_parameters())} < names
    assert not [
        name for name in final if name.startswith((f"optimizer_state/{BLOCK(0)}", "optimizer_state/transformer.wte"))
    ]
    digests = [json.loads(line) for line in (tmp_path / "digests.jsonl").read_text().splitlines()]
    assert not [entry for entry in digests if entry["tensor"].startswith((BLOCK(0), "transformer.wte"))]
