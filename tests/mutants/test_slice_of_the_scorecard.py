"""A few mutants for each way of finding one, and the correct system on the run that most of them share."""

import pytest

from harness.engine.run import run_scenario
from harness.mutants.scenarios import DIRECT
from harness.trace.verdict import Verdict


@pytest.mark.parametrize(
    ("mutant", "stage", "tensor", "words"),
    [
        ("see-the-future", "bottom", "smashed", "tokens attend to later ones"),
        ("average-the-loss-over-each-microbatch", "top", "loss", "the loss is divided by another number"),
        ("add-every-gradient-twice", "trunk", "transformer.h.2.mlp.c_proj.bias", "a backward pass was accumulated 2"),
        ("leave-the-trunk-out-of-the-norm", "client", "client/clip_coefficient", "the norm over all of them is not"),
        (
            "let-norms-and-biases-decay",
            "trunk",
            "weight/transformer.h.2.ln_2.weight",
            "norms and biases, which do not",
        ),
        ("send-bfloat16", "trunk", "features", "is a bfloat16: it was rounded"),
    ],
)
def test_bits_name_the_step_the_layer_and_the_cause(trial, mutant, stage, tensor, words):
    found = trial(mutant)

    assert ("FAIL", ("equivalence",), 0, 0) == (found.verdict, found.checks, found.step, found.latency)
    assert (stage, tensor) == (found.stage, found.tensor)
    assert found.cause_right, found.cause
    assert words in found.likely_cause


@pytest.mark.parametrize(
    ("mutant", "checks", "words"),
    [
        ("compute-every-forward-pass-twice", ("work",), "the trunk computed 12 forward passes; 6 is right"),
        ("hoard-what-every-step-has-computed", ("peak_memory",), "the client took"),
        ("hide-a-commit-of-the-trunk", ("exactly_once", "work"), "trunk.commit.applied of step 2 when 1 were applied"),
    ],
)
def test_what_no_bit_shows_is_found_by_counts(trial, mutant, checks, words):
    found = trial(mutant)

    assert ("FAIL", checks, None) == (found.verdict, found.checks, found.step)
    assert found.cause_right, found.cause
    assert words in found.likely_cause
    assert not found.in_the_curve
    assert not found.in_allclose


def test_a_bug_that_only_a_crash_shows_is_found_in_the_first_step_after_it(trial):
    found = trial("resume-without-moments")

    assert ("equivalence",) == found.checks
    assert 2 == found.step
    assert "its optimizer state is not what was saved" in found.likely_cause


def test_a_bug_in_a_rule_that_judge_and_system_share_is_found_by_the_judges_own_definition(trial):
    """It is planted in the reference's process, too."""
    assert trial("forget-the-end-of-text").caught
    assert trial("seed-every-stage-alike").caught


def test_what_is_equivalent_by_argument_passes(trial):
    assert "PASS" == trial("accumulate-two-microbatches-in-the-other-order").verdict


def test_the_correct_system_raises_no_alarm(testbed):
    outcome = run_scenario(DIRECT, testbed)

    assert Verdict.PASS is outcome.verdict, [check.reading for check in outcome.checks]
