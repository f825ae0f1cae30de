"""The judge can fail: a copy of a real reference, corrupted in one place, is detected, and the place is named."""

import json

import pytest
import torch
from run_copy import first_divergence, next_float
from safetensors.torch import load_file, save_file

from harness.judging.checks.completion import check_completion
from harness.judging.checks.equivalence import check_equivalence
from harness.trace.verdict import Verdict

BLOCK = "transformer.h.2.mlp.c_fc.weight"
HEAD = "transformer.h.3.mlp.c_fc.weight"


def test_equal_runs_pass_with_every_tensor_compared(run_copy):
    result = check_equivalence(run_copy.facts())
    assert Verdict.PASS is result.verdict
    parameters, optimizer_state, boundaries = 52, 3 * 52, 5 * 2
    gradients_norms_and_weights, norm_rates_and_coefficients = 3 * parameters, 1 + 2 * 2
    steps = 3 * (gradients_norms_and_weights + boundaries + norm_rates_and_coefficients)
    assert steps + parameters + optimizer_state == result.compared
    assert (0, 0) == (result.figures["differing"], result.figures["worst ulp"])


def test_equal_tensors_have_distance_nothing_and_cosine_one(run_copy):
    equivalence = run_copy.facts().equivalence
    measured = [row for row in equivalence.rows if row.max_ulp is not None]
    assert {(0, 0.0, 1.0)} == {(row.max_ulp, row.relative_l2, row.cosine) for row in measured}
    assert {0} == equivalence.ulp_histogram.keys()


@pytest.mark.parametrize(
    ("microbatch", "tensor", "stage"),
    [
        (0, "smashed", "bottom"),
        (1, "features", "trunk"),
        (0, "loss", "top"),
        (1, "features_grad", "top"),
        (0, "smashed_grad", "trunk"),
        (None, "transformer.wte.weight", "bottom"),
        (None, "transformer.h.0.ln_1.bias", "bottom"),
        (None, BLOCK, "trunk"),
        (None, HEAD, "top"),
        (None, "transformer.ln_f.weight", "top"),
        (None, f"norm/{BLOCK}", "trunk"),
        (None, "client/grad_norm", "client"),
        (None, "client/learning_rate", "client"),
        (None, "trunk/clip_coefficient", "trunk"),
        (None, f"weight/{BLOCK}", "trunk"),
        (None, "weight/transformer.wte.weight", "bottom"),
    ],
)
def test_one_other_digest_fails_and_names_its_place(run_copy, microbatch, tensor, stage):
    run_copy.change_digest(2, microbatch, tensor)
    where = first_divergence(run_copy)
    found = (where["step"], where.get("microbatch"), where["stage"], where["tensor"])
    assert (2, microbatch, stage, tensor) == found
    assert 1 == run_copy.facts().equivalence.differing


@pytest.mark.parametrize("microbatch", [0, 1])
@pytest.mark.parametrize("tensor", ["smashed", "features", "features_grad", "smashed_grad"])
def test_one_bit_of_a_recorded_tensor_is_named_with_index_and_both_values(run_copy, tensor, microbatch):
    index = (1, 2, 5)
    before, after = run_copy.change_recorded(1, microbatch, tensor, lambda t: next_float(t, index))
    where = first_divergence(run_copy)
    assert (1, microbatch, tensor) == (where["step"], where["microbatch"], where["tensor"])
    assert (index, float(after[index]), float(before[index])) == (where["index"], where["split"], where["reference"])
    assert where["split"] != where["reference"]


@pytest.mark.parametrize("tensor", [f"weight/{HEAD}", f"norm/{HEAD}", "client/learning_rate"])
def test_one_bit_of_an_update_is_named_with_both_values(run_copy, tensor):
    def change(t):
        t.view(-1)[5 % t.numel()] += 1
        return t

    run_copy.change_recorded(1, None, tensor, change)
    where = first_divergence(run_copy)
    assert (1, tensor, 1.0) == (where["step"], where["tensor"], pytest.approx(where["split"] - where["reference"]))


def test_one_bit_of_a_scalar_loss_is_named_with_both_values(run_copy):
    before, after = run_copy.change_recorded(1, 0, "loss", lambda t: next_float(t, ()))
    where = first_divergence(run_copy)
    assert ((), float(after), float(before)) == (where["index"], where["split"], where["reference"])


def test_a_digest_that_contradicts_its_own_tensor_still_fails(run_copy):
    run_copy.change_digest(1, 0, "smashed")
    where = first_divergence(run_copy)
    assert (1, "smashed") == (where["step"], where["tensor"])
    assert "index" not in where


def test_a_recorded_tensor_of_another_dtype_fails(run_copy):
    run_copy.change_recorded(1, 0, "smashed", lambda t: t.half())
    assert "smashed" == first_divergence(run_copy)["tensor"]


def test_a_missing_digest_fails_and_is_named(run_copy):
    run_copy.drop_digest(1, 0, "smashed")
    result = check_equivalence(run_copy.facts())
    assert Verdict.FAIL is result.verdict
    assert ["recorded on one side only: smashed of step 1, microbatch 0"] == [f.message for f in result.findings]


def test_a_surplus_digest_fails_and_is_named(run_copy):
    run_copy.add_digest(3, None, BLOCK)
    result = check_equivalence(run_copy.facts())
    assert Verdict.FAIL is result.verdict
    assert [f"recorded on one side only: {BLOCK} of step 3"] == [f.message for f in result.findings]


def test_what_is_missing_is_named_in_the_order_of_computation(run_copy):
    for step, microbatch, tensor in [(2, 0, "loss"), (0, None, BLOCK), (0, 1, "features"), (1, 0, "smashed")]:
        run_copy.drop_digest(step, microbatch, tensor)
    wanted = ("features of step 0, microbatch 1", f"{BLOCK} of step 0", "smashed of step 1, microbatch 0")
    assert (*wanted, "loss of step 2, microbatch 0") == run_copy.facts().equivalence.missing


def test_two_parties_that_disagree_on_one_tensor_fail(run_copy):
    run_copy.add_digest(1, None, BLOCK)
    assert BLOCK == first_divergence(run_copy)["tensor"]


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("weights/transformer.wpe.weight", "bottom"),
        (f"weights/{BLOCK}", "trunk"),
        (f"optimizer_state/{BLOCK}/exp_avg", "trunk"),
        (f"optimizer_state/{HEAD}/exp_avg_sq", "top"),
    ],
)
def test_one_ulp_in_a_final_tensor_fails_with_its_distance(run_copy, name, stage):
    before, after = run_copy.change_final(name, lambda t: next_float(t, (3, 4)))
    where = first_divergence(run_copy)
    assert (-1, stage, name, (3, 4)) == (where["step"], where["stage"], where["tensor"], where["index"])
    assert (float(after[3, 4]), float(before[3, 4])) == (where["split"], where["reference"])
    row = next(row for row in run_copy.facts().equivalence.rows if row.differing)
    quantity = {"weights": "weight", "optimizer_state": "optimizer state"}[name.partition("/")[0]]
    assert (quantity, stage, 1, 1) == (row.quantity, row.stage, row.differing, row.max_ulp)
    gap = abs(float(after[3, 4]) - float(before[3, 4]))
    assert pytest.approx(gap / float(before.double().norm()), rel=1e-9) == row.relative_l2
    assert 1 == run_copy.facts().equivalence.ulp_histogram[1]


def test_the_count_of_applied_steps_is_compared_too(run_copy):
    run_copy.change_final(f"optimizer_state/{BLOCK}/step", lambda t: t + 1)
    where = first_divergence(run_copy)
    assert ((), 4.0, 3.0) == (where["index"], where["split"], where["reference"])


def test_negative_zero_is_not_zero(run_copy):
    name = f"weights/{BLOCK}"
    reference = run_copy.reference / "final.safetensors"
    run_copy.reference = run_copy.folder / "reference"
    run_copy.reference.mkdir()
    for path in reference.parent.iterdir():
        (run_copy.reference / path.name).symlink_to(path)
    tensors = load_file(reference)
    tensors[name][0, 0] = 0.0
    (run_copy.reference / "final.safetensors").unlink()
    save_file(tensors, run_copy.reference / "final.safetensors")

    def negative(t):
        t[0, 0] = -0.0
        return t

    run_copy.change_final(name, negative)
    where = first_divergence(run_copy)
    assert (name, (0, 0)) == (where["tensor"], where["index"])
    assert 0 == run_copy.facts().equivalence.worst_ulp


def test_nan_fails_and_has_no_ulp(run_copy):
    def spoil(t):
        t[1, 1] = torch.nan
        return t

    run_copy.change_final(f"weights/{BLOCK}", spoil)
    result = check_equivalence(run_copy.facts())
    assert Verdict.FAIL is result.verdict
    assert "not finite" == result.figures["worst ulp"]
    row = next(row for row in run_copy.facts().equivalence.rows if row.differing)
    assert (-1, None, None) == (row.max_ulp, row.relative_l2, row.cosine)
    assert (1, 1) == result.findings[0].where["index"]


def test_a_final_tensor_of_another_shape_fails(run_copy):
    run_copy.change_final(f"weights/{BLOCK}", lambda t: t[:-1].contiguous())
    result = check_equivalence(run_copy.facts())
    assert [f"recorded on one side only: weights/{BLOCK}"] == [f.message for f in result.findings]
    assert Verdict.FAIL is result.verdict


@pytest.mark.parametrize(
    ("name", "value"),
    [("loss", None), ("loss", 5.0), ("grad_norm", 0.25), ("learning_rate", 0.0), ("tokens", 1), ("skipped", True)],
)
def test_a_metric_that_differs_fails(run_copy, name, value):
    expected = run_copy.steps[1][name]
    run_copy.steps[1] = {**run_copy.steps[1], name: value}
    result = check_equivalence(run_copy.facts())
    assert Verdict.FAIL is result.verdict
    assert f"{name} of step 1 differs" == result.findings[0].message
    assert {"step": 1, "split": value, "reference": expected} == result.findings[0].where


def test_a_step_less_than_the_reference_fails(run_copy):
    run_copy.steps.pop()
    result = check_completion(run_copy.facts())
    assert Verdict.FAIL is result.verdict
    assert "the client reported 2 steps, the reference 3" == result.findings[0].message


@pytest.mark.parametrize("name", ["digests.jsonl", "final.safetensors"])
def test_files_that_were_not_written_make_it_void(run_copy, name):
    run_copy.remove(name)
    result = check_equivalence(run_copy.facts())
    assert Verdict.VOID is result.verdict
    assert f"nothing was compared: {name} is missing" == result.summary


def test_files_with_nothing_in_them_do_not_pass(run_copy):
    run_copy.empty()
    result = check_equivalence(run_copy.facts())
    assert 0 == result.compared
    assert Verdict.FAIL is result.verdict


def test_a_line_that_was_cut_off_is_not_a_digest(run_copy):
    path = run_copy.folder / "trunk" / "digests.jsonl"
    path.write_text(path.read_text()[:-20])
    result = check_equivalence(run_copy.facts())
    assert Verdict.FAIL is result.verdict
    assert 1 == len(run_copy.facts().equivalence.missing)


def test_a_step_that_was_done_again_must_have_had_the_same_bits_before(run_copy):
    path = run_copy.folder / "client" / "digests.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    wrong = json.dumps({**json.loads(lines[0]), "sha256": "0" * 64}) + "\n"
    path.write_text("".join(lines[:3] + lines))
    assert Verdict.PASS is check_equivalence(run_copy.facts()).verdict
    path.write_text(wrong + "".join(lines))
    assert Verdict.FAIL is check_equivalence(run_copy.facts()).verdict
    path.write_text("".join(lines) + wrong)
    assert Verdict.FAIL is check_equivalence(run_copy.facts()).verdict
