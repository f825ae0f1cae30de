"""Rules 1, 2, 3 and 5 of exactness: one optimizer, the tied weight, clipping and accumulation (see `planted.py`)."""

import math

import torch
from exactness.cut import batches_of, train_split
from exactness.planted import differs, session_of, tensors_of
from exactness.uncut import load_uncut, same_bits, train_uncut

import splitlearn.client.step
from splitlearn.client.gradients import ClientGradients, global_norm
from splitlearn.models import FAMILY
from splitlearn.optimizer import build_optimizer
from splitlearn.trunk.accumulator import Accumulator
from splitlearn.wire.trunk_link import Position

# 1. One optimizer for the client


class TwoOptimizers:
    """The planted bug: bottom and top have one each, and both step the tied weight."""

    def __init__(self, parameters, config):
        bottom = {name: p for name, p in parameters.items() if name.startswith(("transformer.w", "transformer.h.0"))}
        top = {name: p for name, p in parameters.items() if name not in bottom or name == "transformer.wte.weight"}
        self.both = [build_optimizer(part, config) for part in (bottom, top)]
        self.param_groups = [group for optimizer in self.both for group in optimizer.param_groups]
        self.state = {**self.both[0].state, **self.both[1].state}

    def step(self):
        """Step the tied weight twice."""
        for optimizer in self.both:
            optimizer.step()

    def zero_grad(self, *, set_to_none):
        """Forget the gradients."""
        for optimizer in self.both:
            optimizer.zero_grad(set_to_none=set_to_none)


def test_planted_two_optimizers_step_the_tied_weight_twice(config, monkeypatch):
    config = config.but(max_grad_norm=0)
    batches = batches_of(steps=2)
    monkeypatch.setattr(splitlearn.client.step, "build_optimizer", TwoOptimizers)
    expected, actual = train_uncut(config, batches), train_split(config, batches)

    assert same_bits(expected.gradients[0]["transformer.wte.weight"], actual.gradients[0]["transformer.wte.weight"])
    assert not same_bits(expected.weights["transformer.wte.weight"], actual.weights["transformer.wte.weight"])


def test_the_tied_weight_is_one_parameter_of_the_client(config):
    stage, identity = FAMILY.load_client(config)

    assert stage.lm_head.weight is stage.transformer.wte.weight
    assert sum(parameter.shape[0] == identity.vocab_size for parameter in stage.parameters()) == 1
    assert "transformer.wte.weight" in stage.bottom_parameters().keys() & stage.top_parameters().keys()


# 2. The tied weight's contributions are summed per microbatch


def test_planted_contributions_that_join_the_accumulator_one_by_one(config, monkeypatch):
    def hold_nothing(self, microbatch, loss, features_BTH):
        features_grad_BTH, *gradients = torch.autograd.grad(loss, [features_BTH, *self._top.values()])
        self._held[microbatch] = {}
        self._accumulate(dict(zip(self._top, gradients, strict=True)))
        return features_grad_BTH

    monkeypatch.setattr(ClientGradients, "add_top", hold_nothing)

    assert differs(config, batches_of(steps=1, microbatches=3)) == "gradient of transformer.wte.weight in step 0"
    assert differs(config, batches_of(steps=1, microbatches=1)) == "", "a single microbatch does not show it"


# 3. Clipping by the norm over all parameters, in Hugging Face order


def test_planted_clipping_by_the_norm_of_one_part(config, monkeypatch):
    def norm_of_the_client(norms, order, device):
        return global_norm(norms, [name for name in order if ".h.1." not in name and ".h.2." not in name], device)

    monkeypatch.setattr(splitlearn.client.step, "global_norm", norm_of_the_client)

    assert "norms" in differs(config, batches_of(steps=1))


def test_the_global_norm_is_the_one_that_torch_clips_by():
    """Planted: the same sum in Python's float64, which rounds otherwise."""
    generator = torch.Generator().manual_seed(0)
    planted_seen = False
    for _ in range(50):
        gradients = [
            torch.randn(int(size), generator=generator) for size in torch.randint(1, 40, (53,), generator=generator)
        ]
        norms = {str(i): float(torch.linalg.vector_norm(gradient)) for i, gradient in enumerate(gradients)}
        expected = float(torch.nn.utils.get_total_norm(gradients))

        assert expected == global_norm(norms, list(norms), "cpu")
        planted_seen |= expected != math.hypot(*norms.values())
    assert planted_seen


def test_the_order_is_that_of_the_uncut_model(config, small_model):
    for either in (config, config.but(model=str(small_model(tie_word_embeddings=False)))):
        expected = tuple(name for name, _ in load_uncut(either).named_parameters())
        assert expected == FAMILY.load_client(either)[1].parameter_order
        assert expected == FAMILY.load_trunk(either)[1].parameter_order


# 5. Accumulation in microbatch order, and weights by target tokens


def gradients_when_sent_in(config, order):
    session = session_of(config)
    smashed, gradients, mask_BT = tensors_of(3), tensors_of(6)[3:], torch.ones(2, 12, dtype=torch.int64)
    for i in range(3):
        session.forward(Position(0, i, 3), smashed[i], mask_BT, None)
    for i in order:
        session.backward(Position(0, i, 3), gradients[i])
    return torch.cat([gradient.reshape(-1) for gradient in session.gradients().values()])


def test_gradients_join_in_the_order_of_the_microbatches(config, monkeypatch):
    """Planted: gradients that join in order of arrival."""
    in_order = gradients_when_sent_in(config, (0, 1, 2))
    for order in ((2, 1, 0), (1, 2, 0), (1, 0, 2), (2, 0, 1)):
        assert same_bits(in_order, gradients_when_sent_in(config, order))

    def join_at_once(self, _at, gradients):
        self._join(gradients)
        self._next += 1

    monkeypatch.setattr(Accumulator, "add", join_at_once)
    assert not same_bits(in_order, gradients_when_sent_in(config, (2, 1, 0))), "the planted bug was not seen"


def test_planted_a_mean_of_the_microbatches_means(config, monkeypatch):
    """Each microbatch weighs the same, however many targets it has."""
    real = splitlearn.client.step.token_loss_sum
    batches = batches_of(steps=1, microbatches=2)
    tokens = [microbatch.target_tokens for microbatch in batches[0]]
    assert tokens[0] != tokens[1]
    shares = iter(tokens)

    def mean(logits_BTV, labels_BT, config):
        return real(logits_BTV, labels_BT, config) / next(shares) * sum(tokens) / 2

    monkeypatch.setattr(splitlearn.client.step, "token_loss_sum", mean)

    assert "losses" in differs(config, batches)
