"""The eleven rules of exactness, each with a companion that breaks it and sees the comparison differ.

Every `test_planted_…` replaces a part of the system by one with a known bug. The unbroken side of each rule is held
by `test_split_equals_uncut.py`, or by the test next to the companion.
"""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest
import torch
from exactness.cut import batches_of, train_split
from exactness.uncut import difference, load_uncut, same_bits, train_uncut

import splitlearn.client.gradients
import splitlearn.client.step
import splitlearn.models.gpt2
import splitlearn.trunk.server
import splitlearn.trunk.session
from splitlearn.client.gradients import ClientGradients, global_norm
from splitlearn.codecs import CODECS
from splitlearn.determinism import make_deterministic
from splitlearn.models import FAMILY
from splitlearn.optimizer import build_optimizer
from splitlearn.probe import NullProbe
from splitlearn.record import NullRecorder
from splitlearn.trunk.accumulator import Accumulator
from splitlearn.trunk.server import Address, running_server
from splitlearn.trunk.session import TrunkSession
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.link import Position
from splitlearn.wire.stub import sealed_stub


def differs(config, batches, **options):
    return difference(train_uncut(config, batches), train_split(config, batches, **options))


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


# 4. Counter-based random numbers


@contextmanager
def unseeded(*_):
    """Draw on from wherever the generator is."""
    yield


def test_planted_a_stage_that_is_not_seeded(config, monkeypatch):
    monkeypatch.setattr(splitlearn.trunk.session, "stage_scope", unseeded)

    assert "losses" in differs(config, batches_of(steps=1))


def test_planted_seeds_that_do_not_depend_on_the_microbatch(config, monkeypatch):
    real = splitlearn.determinism.stage_seed
    batches = batches_of(steps=1, microbatches=2)
    expected = train_uncut(config, batches)
    monkeypatch.setattr(
        splitlearn.determinism, "stage_seed", lambda seed, step, _microbatch, stage: real(seed, step, 0, stage)
    )

    assert difference(expected, train_split(config, batches)) != ""


def session_of(config):
    return TrunkSession(FAMILY.load_trunk(config)[0], config, NullProbe(), NullRecorder())


def tensors_of(count, *, width=32):
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(2, 12, width, generator=generator) for _ in range(count)]


def replayed(config, *, spoil):
    """Forward twice with other work between; gives both answers."""
    session, (smashed_BTH,) = session_of(config), tensors_of(1)
    at, mask_BT = Position(0, 0, 1), torch.ones(2, 12, dtype=torch.int64)
    first = session.forward(at, smashed_BTH, mask_BT, None)
    session._tape.clear()
    spoil()
    return first, session.forward(at, smashed_BTH, mask_BT, None)


def test_a_forward_pass_computed_again_draws_the_same_dropout(config, monkeypatch):
    assert same_bits(*replayed(config, spoil=lambda: torch.rand(5)))

    monkeypatch.setattr(splitlearn.trunk.session, "stage_scope", unseeded)
    assert not same_bits(*replayed(config, spoil=lambda: torch.rand(5))), "the planted bug was not seen"


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
    """Planted: gradients that join as they come."""
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


# 6. Masks: no future, no padding


def logits_through_three_stages(config, input_ids_BT, mask_BT):
    stage, _ = FAMILY.load_client(config)
    trunk, _ = FAMILY.load_trunk(config)
    with torch.no_grad():
        smashed_BTH = stage.eval().bottom(input_ids_BT, mask_BT)
        return stage.top(trunk.eval()(smashed_BTH, mask_BT), mask_BT)


MASKS = {
    "whole": [[1] * 10] * 2,
    "padded right": [[1] * 10, [1] * 6 + [0] * 4],
    "padded left": [[1] * 10, [0] * 4 + [1] * 6],
}


def leak(config, mask_BT, t):
    """Give the largest change of a logit at positions up to t when the tokens behind t change."""
    generator = torch.Generator().manual_seed(1)
    input_ids_BT = torch.randint(1, 300, (2, 10), generator=generator)
    changed_BT = input_ids_BT.clone()
    changed_BT[:, t + 1 :] = (input_ids_BT[:, t + 1 :] + 1 + t) % 300
    real_BT = mask_BT[:, : t + 1] == 1
    before, after = (
        logits_through_three_stages(config, ids, mask_BT)[:, : t + 1] for ids in (input_ids_BT, changed_BT)
    )
    return float((before - after)[real_BT].abs().max())


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_no_position_sees_the_future(config, attention, mask):
    for cuts in ("0:4", "1:3"):
        for t in (0, 4, 8):
            assert leak(config.but(attention=attention, cuts=cuts), torch.tensor(mask), t) == 0


@pytest.mark.parametrize("part", ["every part", "trunk alone"])
@pytest.mark.parametrize(
    ("attention", "mask"), [("eager", "whole"), ("eager", "padded right"), ("sdpa", "padded right")]
)
def test_planted_blocks_without_a_causal_mask(config, monkeypatch, attention, mask, part):
    """A block called with no mask, or with one of the padding alone, attends to the future."""
    real = splitlearn.models.gpt2.create_causal_mask
    calls = iter(range(1000))

    def no_causality(*, attention_mask, **others):
        if part == "trunk alone" and next(calls) % 3 != 1:
            return real(attention_mask=attention_mask, **others)
        return None if mask == "whole" else padding_mask(attention_mask, attention)

    def padding_mask(mask_BT, attention):
        allowed = mask_BT[:, None, None, :].bool().expand(-1, 1, mask_BT.shape[1], -1)
        return allowed if attention == "sdpa" else torch.zeros(allowed.shape).masked_fill(~allowed, -1e9)

    monkeypatch.setattr(splitlearn.models.gpt2, "create_causal_mask", no_causality)

    assert leak(config.but(attention=attention), torch.tensor(MASKS[mask]), 2) > 0


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_padding_is_masked_as_in_the_uncut_model(config, attention, mask):
    config, mask_BT = config.but(attention=attention), torch.tensor(mask)
    input_ids_BT = torch.arange(1, 21).view(2, 10)
    with torch.no_grad():
        expected = load_uncut(config).eval()(input_ids=input_ids_BT, attention_mask=mask_BT, use_cache=False).logits

    assert same_bits(expected, logits_through_three_stages(config, input_ids_BT, mask_BT))


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_planted_a_trunk_that_ignores_the_padding(config, monkeypatch, attention):
    config, mask_BT = config.but(attention=attention), torch.tensor(MASKS["padded left"])
    input_ids_BT = torch.arange(1, 21).view(2, 10)
    expected = logits_through_three_stages(config, input_ids_BT, mask_BT)
    real = splitlearn.models.gpt2.Gpt2TrunkStage.forward
    monkeypatch.setattr(
        splitlearn.models.gpt2.Gpt2TrunkStage, "forward", lambda self, h, mask: real(self, h, torch.ones_like(mask))
    )
    actual = logits_through_three_stages(config, input_ids_BT, mask_BT)

    real_BT = mask_BT == 1
    assert not same_bits(expected[real_BT], actual[real_BT])


def test_padding_has_no_loss(config):
    """Whatever the padding's token ids are, the step is the same one. Planted: labels at the padding."""

    def with_labels(batch, label):
        for microbatch in batch:
            microbatch.labels_BT[microbatch.attention_mask_BT == 0] = label
        return batch

    clean, spoilt = batches_of(steps=1), [with_labels(batches_of(steps=1)[0], 5)]
    assert (clean[0][0].attention_mask_BT == 0).any()
    assert clean[0][0].labels_BT[clean[0][0].attention_mask_BT == 0][0] == -100
    assert "losses" in difference(train_uncut(config, clean), train_split(config, spoilt))


# 7. Blocks keep their index


def test_planted_a_trunk_that_counts_its_blocks_from_zero(config, small_model, monkeypatch):
    config = config.but(model=str(small_model(scale_attn_by_inverse_layer_idx=True)))
    real = splitlearn.models.gpt2.Gpt2TrunkStage.__init__

    def renumber(self, model, cuts):
        real(self, model, cuts)
        for index, block in enumerate(self.transformer.h.values()):
            block.attn.layer_idx = index
            if block.attn.scale_attn_by_inverse_layer_idx:
                block.attn.scaling = block.attn.head_dim**-0.5 / (index + 1)

    monkeypatch.setattr(splitlearn.models.gpt2.Gpt2TrunkStage, "__init__", renumber)

    assert "losses" in differs(config, batches_of(steps=1))


# 8. The same thread count everywhere


class CountingService:
    """Answers every request with the number of threads that arithmetic would have."""

    def sync_training_state(self, _request):
        """Give the count as a step."""
        return pb.SyncTrainingStateReply(applied_step=torch.get_num_threads())

    def close_idle(self):
        """Nobody is idle here."""


def threads_at_the_trunk(config):
    with (
        running_server(CountingService(), config, Address("127.0.0.1", 0)) as address,
        grpc.insecure_channel(str(address)) as channel,
    ):
        return sealed_stub(channel).SyncTrainingState(pb.SyncTrainingStateRequest(), timeout=30).applied_step


@pytest.fixture
def thread_count_of_the_tests():
    yield
    torch.set_num_threads(1)


@pytest.mark.usefixtures("thread_count_of_the_tests")
def test_the_trunk_computes_with_the_configured_threads(config, monkeypatch):
    """Planted: a computing thread that does not set its own count."""
    assert threads_at_the_trunk(config.but(threads=5)) == 5

    monkeypatch.setattr(
        splitlearn.trunk.server, "ThreadPoolExecutor", lambda workers, name, *_: ThreadPoolExecutor(workers, name)
    )
    assert threads_at_the_trunk(config.but(threads=7)) != 7, "the planted bug was not seen"


@pytest.mark.usefixtures("thread_count_of_the_tests")
def test_a_process_has_the_configured_threads(config):
    make_deterministic(config.but(threads=3))

    assert torch.get_num_threads() == 3
    assert torch.are_deterministic_algorithms_enabled()


def test_waiting_threads_do_not_spin():
    assert os.environ["OMP_WAIT_POLICY"] == "passive"


# 9. The client drives, the trunk obeys


def test_the_trunk_takes_the_learning_rate_from_the_client(config, monkeypatch):
    """Planted: a trunk that uses the rate in its own configuration."""
    other = config.but(learning_rate=0.5, use_scheduler=False, max_grad_norm=0)
    batches = batches_of(steps=2)
    assert differs(config, batches, trunk_config=other) == ""

    real = splitlearn.trunk.session.apply_update
    monkeypatch.setattr(
        splitlearn.trunk.session, "apply_update", lambda optimizer, _, clip: real(optimizer, other.learning_rate, clip)
    )
    assert "losses" in differs(config, batches, trunk_config=other), "the planted bug was not seen"


def test_planted_a_trunk_whose_biases_decay(config, monkeypatch):
    def all_decay(parameters, config):
        return torch.optim.AdamW(parameters.values(), lr=config.learning_rate, weight_decay=config.weight_decay)

    monkeypatch.setattr(splitlearn.trunk.session, "build_optimizer", all_decay)

    assert "final transformer.h.1" in differs(config, batches_of(steps=1))


# 10. A step whose norm is not finite is skipped on both sides

POISON = 299


def poisoned(config, small_model, tmp_path, value):
    """A model whose embedding of one token is `value`, and data that holds the token in the second step."""
    model = load_uncut(config.but(model=str(small_model(tie_word_embeddings=False))))
    with torch.no_grad():
        model.transformer.wte.weight[POISON] = value
    model.save_pretrained(tmp_path / "poisoned")
    batches = batches_of(steps=4, microbatches=2, vocabulary=POISON)
    batches[1][1].input_ids_BT[0, 1] = batches[1][1].labels_BT[0, 1] = POISON
    return config.but(model=str(tmp_path / "poisoned")), batches


@pytest.mark.parametrize(
    ("value", "cuts"),
    [(float("inf"), "1:3"), (float("inf"), "0:2"), (3e38, "0:2"), (3e38, "1:3"), (3e38, "0:4")],
    ids=["bottom", "embedding", "trunk's blocks", "bottom's blocks", "trunk as large as may be"],
)
def test_a_step_that_is_not_finite_is_skipped_on_both_sides(config, small_model, tmp_path, value, cuts):
    config, batches = poisoned(config.but(cuts=cuts), small_model, tmp_path, value)
    expected, actual = train_uncut(config, batches), train_split(config, batches)

    assert expected.skipped == [1]
    assert difference(without_losses(expected), without_losses(actual)) == ""
    for step in (0, 2, 3):
        assert expected.losses[step] == actual.losses[step]


def without_losses(outcome):
    """The loss of a step that was given up half-way is not known to the client."""
    return type(outcome)([], outcome.norms, outcome.skipped, outcome.gradients, outcome.weights, outcome.moments)


def test_planted_a_trunk_that_applies_a_skipped_step(config, small_model, tmp_path, monkeypatch):
    config, batches = poisoned(config.but(cuts="1:3"), small_model, tmp_path, 3e38)
    expected = train_uncut(config, batches)
    real = TrunkSession.commit

    def apply_anyway(self, commit):
        if commit.skip and commit.step == self.applied_step:
            for parameter in self._parameters.values():
                parameter.data.mul_(1 - 1e-3)
        real(self, commit)

    monkeypatch.setattr(TrunkSession, "commit", apply_anyway)

    assert difference(without_losses(expected), without_losses(train_split(config, batches))) != ""


# 11. Received bytes are copied into torch's own memory


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("offset", [1, 2, 3])
def test_received_tensors_are_aligned_and_writable(codec, offset):
    """Planted: a view of the message's bytes, which starts wherever the message was laid."""
    tensor = torch.randn(64)
    data = bytearray(offset) + bytearray(CODECS[codec].encode(tensor))
    decoded = CODECS[codec].decode(memoryview(data)[offset:], torch.float32, 64)

    assert decoded.data_ptr() % 64 == 0
    decoded.add_(1)  # writable
    before = decoded.clone()
    data[offset:] = bytes(len(data) - offset)
    assert torch.equal(before, decoded), "memory of its own"
    if codec == "raw":
        data[offset:] = CODECS[codec].encode(tensor)
        view = torch.frombuffer(data, dtype=torch.float32, offset=offset)
        assert view.data_ptr() % 4 != 0, "the planted bug was not seen"
