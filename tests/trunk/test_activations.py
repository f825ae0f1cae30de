"""The memory that a microbatch will take is known before anything is computed, and what is too much is refused."""

import pytest
import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from trunk.server import hello_of

from splitlearn.determinism import stage_scope
from splitlearn.models import FAMILY
from splitlearn.trunk import activations
from splitlearn.trunk.activations import Activations
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.trunk_link import Position


class Alive(TorchDispatchMode):
    """Counts what is really there: every storage that an operation has given and that someone still holds."""

    def __init__(self):
        super().__init__()
        self.storages, self.peak = {}, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor) and tensor.untyped_storage().data_ptr():
                kept = StorageWeakRef(tensor.untyped_storage())
                self.storages[kept.cdata] = kept, tensor.untyped_storage().nbytes()
        alive = [nbytes for kept, nbytes in self.storages.values() if not kept.expired()]
        self.peak = max(self.peak, sum(alive))
        return result


def really_taken(stage, config, shape, *, training):
    smashed_BTH, mask_BT = torch.randn(shape, requires_grad=training), torch.ones(shape[:2], dtype=torch.int64)
    mask_BT[0, -1] = 0
    stage.train(training)
    with stage_scope(config, 0, 0, "trunk"), torch.set_grad_enabled(training), Alive() as alive:
        features_BTH = stage(smashed_BTH, mask_BT)
        if training:
            torch.autograd.grad(features_BTH, smashed_BTH, torch.ones_like(features_BTH))
    return alive.peak


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("training", [True, False])
def test_the_predicted_memory_is_what_is_taken(config, attention, dtype, training):
    settings = config.but(attention=attention, dtype=dtype)
    stage = FAMILY.load_trunk(settings)[0]
    known = Activations(settings, 24)
    for shape in ((2, 6, 32), (8, 24, 32)):
        taken = really_taken(stage, settings, shape, training=training)
        assert known._nbytes(stage, shape, training=training) == pytest.approx(taken, rel=0.05)


def test_nothing_is_computed_and_nothing_changes(config):
    stage = FAMILY.load_trunk(config)[0]
    before = {name: parameter.clone() for name, parameter in stage.named_parameters()}
    with pytest.raises(WireError):
        Activations(config, 24).check(stage, torch.Size((10**7, 24, 32)), training=True)

    assert stage.training
    assert all(torch.equal(before[name], parameter) for name, parameter in stage.named_parameters())
    assert all(parameter.grad is None for parameter in stage.parameters())


@pytest.mark.parametrize("inference", [False, True], ids=["training", "inference"])
def test_a_microbatch_that_takes_too_much_is_refused_with_the_batch_that_fits(config, serve, inference):
    """The advice is followed: the batch that is said to fit is computed."""
    limits = config.but(attention="eager", max_activation_bytes=4 << 20)
    trunk = serve(limits)
    link = trunk.link(limits)
    link.open(hello_of(limits))

    def send(sequences, microbatch):
        smashed_BTH, mask_BT = torch.randn(sequences, 24, 32), torch.ones(sequences, 24)
        at = Position(0, microbatch, 2)
        return link.infer(smashed_BTH, mask_BT) if inference else link.forward(at, smashed_BTH, mask_BT, None)

    with pytest.raises(WireError) as caught:
        send(200, 0).result()
    assert caught.value.reason is Reason.TOO_LARGE
    assert "--max-activation-bytes at the trunk" in caught.value.message
    fits = int(caught.value.message.partition("lower --batch-size to ")[2].partition(",")[0])
    assert 5 < fits < 100
    send(fits, 1).result()


def test_a_sequence_that_alone_does_not_fit_is_reported(config):
    limits = config.model_copy(update={"max_activation_bytes": 1000})
    stage = FAMILY.load_trunk(limits)[0]

    with pytest.raises(WireError, match="lower --max-length, or raise --max-activation-bytes"):
        Activations(limits, 24).check(stage, torch.Size((1, 24, 32)), training=False)


def test_shapes_are_measured_once_and_only_some_are_remembered(config, monkeypatch):
    looked = []

    def peak(_self, _stage, shape, **_mode):
        looked.append(tuple(shape))
        return 3 * shape[0] * shape[1]

    monkeypatch.setattr(activations, "MOST_SHAPES", 3)
    monkeypatch.setattr(Activations, "_peak", peak)
    known = Activations(config.model_copy(update={"max_activation_bytes": 1000}), 24)
    for _ in range(2):
        known.check(None, torch.Size((2, 24, 32)), training=True)
    assert looked == [(1, 24, 32)], "what is small by the longest sequence is not looked at by itself"

    for sequences in range(20, 30):
        with pytest.raises(WireError):
            known.check(None, torch.Size((sequences, 24, 32)), training=True)
    assert len(known._known) <= 3
