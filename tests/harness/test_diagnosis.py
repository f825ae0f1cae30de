"""From one change to a run that equals the reference to the likely cause that is named."""

import pytest
import torch
from run_copy import next_float

from harness.judging.diagnosis import Cause, diagnose
from harness.judging.judge import judge
from harness.trace.verdict import CheckResult, Finding

# The reference keeps the tensors of this step whole.
STEP = 1
OF_THE_TRUNK, OF_THE_BOTTOM = "transformer.h.2.mlp.c_proj.bias", "transformer.h.0.mlp.c_proj.bias"
EMBEDDING = "transformer.wte.weight"


def masked(features_BTH):
    """Return features whose later positions are wrong."""
    features_BTH[:, 1:] += 1.0
    return features_BTH


def future_seen(features_BTH):
    """Return features of which only the last position is right."""
    features_BTH[:, :-1] += 1.0
    return features_BTH


def dropped(features_BTH):
    """Return features a tenth of which are gone."""
    kept = torch.rand(features_BTH.shape, generator=torch.Generator().manual_seed(0)) > 0.1
    return features_BTH * kept


def clamped(features_BTH):
    return features_BTH.clamp(-2 * features_BTH.std(), 2 * features_BTH.std())


def one_ulp(tensor):
    return next_float(tensor, (0,) * tensor.ndim)


@pytest.mark.parametrize(
    ("microbatch", "tensor", "change", "cause", "words"),
    [
        (None, OF_THE_TRUNK, lambda t: 2 * t, Cause.DOUBLED, "the trunk are 2 times the reference's from step 1 on"),
        (None, OF_THE_TRUNK, lambda t: t / 2, Cause.SCALED, "the trunk are 1/2 of the reference's"),
        (None, OF_THE_TRUNK, lambda t: 0 * t, Cause.LOST, "they were lost"),
        (None, OF_THE_TRUNK, one_ulp, Cause.ORDER, "the same sums in another order"),
        (None, OF_THE_TRUNK, lambda t: t.half().float(), Cause.ROUNDED, "rounded, by"),
        (None, OF_THE_TRUNK, lambda t: t.flip(0), Cause.ACCUMULATION, "microbatches are added up otherwise"),
        (None, EMBEDDING, lambda t: t.flip(0), Cause.TIED, "which head and embedding share"),
        (1, "features", lambda t: t.half().float(), Cause.ROUNDED, "is a float16"),
        (1, "features", lambda t: t.bfloat16().float(), Cause.ROUNDED, "is a bfloat16"),
        (1, "features", clamped, Cause.ROUNDED, "it was clamped"),
        (1, "features", masked, Cause.ATTENTION, "masked or weighted otherwise"),
        (1, "features", future_seen, Cause.ATTENTION, "attend to later ones"),
        (1, "features", dropped, Cause.RANDOMNESS, "other elements were dropped"),
        (1, "features", lambda t: t.flip(-1), Cause.INPUT, "little in common"),
        (1, "features", one_ulp, Cause.ORDER, "right but for rounding"),
        (1, "features", lambda t: 1.05 * t, Cause.ARITHMETIC, "the trunk computes otherwise"),
        (1, "features_grad", lambda t: 1024 * t, Cause.SCALED, "1024 times the reference's, and the loss is right"),
        (1, "smashed_grad", lambda t: t.flip(-1), Cause.MIDSTEP, "between forward and backward pass"),
        (1, "loss", lambda t: t + 1, Cause.LABELS, "other labels, or another loss"),
    ],
)  # fmt: skip
def test_a_tensor_that_is_wrong_in_one_way_names_one_cause(run_copy, microbatch, tensor, change, cause, words):
    run_copy.change_recorded(STEP, microbatch, tensor, change)

    found = diagnose(run_copy.facts(), [])

    assert cause is found.cause, found.sentence
    assert words in found.sentence


@pytest.mark.parametrize(
    ("microbatch", "tensor", "cause"),
    [
        (None, f"norm/{OF_THE_TRUNK}", Cause.NORM),
        (None, "client/grad_norm", Cause.NORM),
        (None, "trunk/clip_coefficient", Cause.CLIPPING),
        (None, "trunk/learning_rate", Cause.RATE),
        (None, f"weight/{EMBEDDING}", Cause.TIED),
        (None, OF_THE_BOTTOM, Cause.ACCUMULATION),
    ],
)
def test_digests_alone_are_enough_for_much(run_copy, microbatch, tensor, cause):
    """Of this step no tensor was kept."""
    run_copy.change_digest(2, microbatch, tensor)

    assert cause is diagnose(run_copy.facts(), []).cause


def test_a_tensor_of_another_place_is_called_stale(run_copy):
    run_copy.change_digest(2, 1, "features", run_copy.digest(1, 1, "features"))

    found = diagnose(run_copy.facts(), [])

    assert Cause.STALE is found.cause
    assert "is that of microbatch 1 of step 1" in found.sentence


def test_a_gradient_that_the_trunk_passes_on_is_told(run_copy):
    run_copy.change_digest(2, 0, "smashed_grad", run_copy.digest(2, 0, "features_grad"))

    assert Cause.PASSED_ON is diagnose(run_copy.facts(), []).cause


def test_a_weight_that_stays_is_not_updated(run_copy):
    name = f"weight/{OF_THE_TRUNK}"
    run_copy.change_digest(2, None, name, run_copy.digest(1, None, name))

    found = diagnose(run_copy.facts(), [])

    assert Cause.NOT_APPLIED is found.cause
    assert f"{OF_THE_TRUNK} first, do not change in an update" in found.sentence


def test_a_checkpoint_that_differs_though_every_update_is_right_is_told(run_copy):
    run_copy.change_final(f"weights/{OF_THE_TRUNK}", lambda weight: weight + 1)

    assert Cause.CHECKPOINT is diagnose(run_copy.facts(), []).cause


def test_without_a_difference_the_check_that_failed_tells_the_kind(run_copy):
    failed = CheckResult("work", 1, "", [Finding("the trunk computed 12 forward passes; 6 is right")])

    found = diagnose(run_copy.facts(), [failed])

    assert Cause.WASTE is found.cause
    assert "every bit is right, but the trunk computed 12 forward passes" in found.sentence


def test_a_run_that_equals_the_reference_has_no_cause(run_copy):
    assert diagnose(run_copy.facts(), []) is None


def test_a_rule_that_is_broken_costs_nobody_a_verdict(run_copy, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("no norm")

    monkeypatch.setattr("harness.judging.judge.diagnose", broken)
    run_copy.change_digest(2, None, OF_THE_TRUNK)

    judgement = judge(run_copy.facts())

    assert Cause.UNKNOWN is judgement.diagnosis.cause
    assert "ZeroDivisionError: no norm" in judgement.diagnosis.sentence
