"""Of a run that ended early, what it did is judged, and what it did not come to is not missed."""

import pytest
from run_copy import first_divergence

from harness.judging.checks.equivalence import check_equivalence
from harness.trace.verdict import Verdict

BLOCK = "transformer.h.2.mlp.c_fc.weight"


def test_a_run_that_ended_early_does_not_compare_its_checkpoint_with_the_final_weights(run_copy):
    run_copy.steps.pop()
    run_copy.drop_digest(2, None, f"weight/{BLOCK}")
    run_copy.remove("final.safetensors")
    result = check_equivalence(run_copy.facts())
    assert (Verdict.VOID, 0) == (result.verdict, result.figures["differing"])
    assert "the run ended after 2 steps: the rest, and the final weights, were not compared" == result.reading
    assert {"weight", "optimizer state"}.isdisjoint(row.quantity for row in run_copy.facts().equivalence.rows)


@pytest.mark.parametrize("step", [1, 2])
def test_a_run_that_ended_early_fails_where_what_it_did_differs(run_copy, step):
    run_copy.steps.pop()
    run_copy.change_digest(step, None, f"weight/{BLOCK}")
    assert f"weight/{BLOCK}" == first_divergence(run_copy)["tensor"]


def test_a_run_that_ended_early_misses_what_it_lacks_of_the_steps_that_it_did(run_copy):
    run_copy.steps.pop()
    run_copy.drop_digest(1, None, f"weight/{BLOCK}")
    result = check_equivalence(run_copy.facts())
    assert [f"recorded on one side only: weight/{BLOCK} of step 1"] == [f.message for f in result.findings]


def test_a_run_that_ended_early_does_not_miss_the_commit_that_was_to_go_with_the_next_step(run_copy):
    run_copy.steps.pop()
    run_copy.drop_commit_of_the_trunk(1)
    result = check_equivalence(run_copy.facts())
    assert (Verdict.VOID, []) == (result.verdict, [*result.findings])


def test_an_earlier_commit_that_is_lacking_is_missed(run_copy):
    run_copy.steps.pop()
    run_copy.drop_commit_of_the_trunk(0)
    assert "of step 0" in check_equivalence(run_copy.facts()).findings[0].message
