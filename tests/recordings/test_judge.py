"""`harness judge` finds planted differences, names their place, and passes nothing that it has not compared."""

import shutil

import pytest
import torch
from loop import EVERY_STEP, Spoiler, flip, train

from harness.recorder import Recorder

WEIGHT = "2.weight"


def test_a_recording_agrees_with_itself(recorded, judge, capsys):
    status, judged = judge(recorded, recorded)

    assert (0, "PASS", "bitwise", None) == (status, judged["verdict"], judged["exactness"], judged["first_divergence"])
    gradients = updated_weights = 4
    optimizer_state = 3 * 4
    cut, losses, number = 2 * 2, 2, 1
    per_step = gradients + updated_weights + optimizer_state + cut + losses + number
    assert 3 * per_step + 4 + optimizer_state == judged["compared"] == judged["identical"] == judged["whole"]
    assert ["0"] == list(judged["ulp_histogram"])
    assert capsys.readouterr().out == f"PASS  All {judged['compared']} compared tensors have the reference's bits.\n"


def test_the_same_training_twice_is_equal_bit_for_bit(recorded, judge, tmp_path):
    assert 0 == judge(train(tmp_path / "again"), recorded)[0]


def test_digests_alone_show_equality(recorded, digests_only, judge):
    status, judged = judge(digests_only, recorded)
    assert (0, 16) == (status, judged["whole"])


def test_one_bit_of_one_gradient_at_step_2_is_named(recorded, copy, judge, capsys):
    copy.change(2, None, WEIGHT, lambda t: flip(t, 5, 0))

    status, judged = judge(copy.part, recorded)

    first = judged["first_divergence"]
    assert (1, "FAIL") == (status, judged["verdict"])
    assert (2, None, "main", WEIGHT, [1, 1]) == tuple(
        first[key] for key in ("step", "microbatch", "party", "tensor", "index")
    )
    assert 0 < abs(first["recording"] - first["reference"]) < 1e-6
    assert (1, 1) == (judged["disagreeing"], judged["ulp_histogram"]["1"])
    assert "first divergence: step 2, main, 2.weight [1, 1]\n" in capsys.readouterr().out


def test_the_divergence_that_was_computed_first_is_named_first(recorded, copy, judge):
    for step, microbatch, tensor in [
        (2, 0, "loss"),
        (1, None, "0.weight"),
        (1, None, "2.bias"),
        (1, None, "weight/0.bias"),
    ]:
        copy.change(step, microbatch, tensor, lambda t: t + 1)
    first = judge(copy.part, recorded)[1]["first_divergence"]
    assert (1, "2.bias") == (first["step"], first["tensor"])
    copy.change(1, 1, "hidden", lambda t: t + 1)
    first = judge(copy.part, recorded)[1]["first_divergence"]
    assert (1, 1, "hidden") == (first["step"], first["microbatch"], first["tensor"])


def test_an_earlier_microbatch_of_another_party_comes_first(judge, tmp_path):
    def record(folder, values):
        for party in ("stage-0", "stage-1"):
            recorder = Recorder(folder, party=party, record_steps=[0])
            with recorder.step(0) as step:
                for microbatch in range(2):
                    step.boundary(f"of-{party}", torch.tensor(values.get((party, microbatch), 1.0)), microbatch)
            recorder.close()
        return folder

    reference = record(tmp_path / "reference", {})
    other = record(tmp_path / "other", {("stage-0", 1): 2.0, ("stage-1", 0): 3.0})
    first = judge(other, reference)[1]["first_divergence"]
    assert (0, "stage-1", 3.0) == (first["microbatch"], first["party"], first["recording"])


def test_a_real_divergence_starts_where_it_was_planted(recorded, judge, tmp_path):
    def spoil(step, model):
        if step == 1:
            flip(model[2].bias.grad, 1, 3)

    first = judge(train(tmp_path / "spoilt", change=spoil), recorded)[1]["first_divergence"]
    assert (1, "2.bias", [1]) == (first["step"], first["tensor"], first["index"])


def test_without_whole_tensors_both_digests_are_reported(digests_only, judge, tmp_path, capsys):
    other = train(tmp_path / "other", record_steps=(), seed=1)

    first = judge(other, digests_only)[1]["first_divergence"]

    assert (0, 0, "hidden", None) == (first["step"], first["microbatch"], first["tensor"], first["index"])
    assert f"recording sha256 {first['sha256']['recording']}, reference sha256" in capsys.readouterr().out


def test_nan_diverges_and_json_can_tell_it(recorded, copy, judge):
    def spoil(tensor):
        tensor[0, 1] = torch.nan
        return tensor

    copy.change(1, 1, "hidden", spoil)
    status, judged = judge(copy.part, recorded, "--rtol", "1", "--atol", "100")
    first = judged["first_divergence"]
    assert (1, "nan", [0, 1]) == (status, first["recording"], first["index"])
    assert 0 == judge(copy.part, copy.part)[0]


def test_minus_zero_is_not_zero(recorded, copy, judge, tmp_path):
    reference = Spoiler(copy.part.parent.rename(tmp_path / "zero") / "main")
    reference.change(0, 0, "loss", torch.zeros_like)
    other = Spoiler(train(tmp_path / "minus") / "main")
    other.change(0, 0, "loss", lambda t: -torch.zeros_like(t))

    status, judged = judge(other.part, reference.part)

    assert (1, "loss", []) == (status, judged["first_divergence"]["tensor"], judged["first_divergence"]["index"])
    assert 0 == judge(other.part, reference.part, "--atol", "0")[0]


def test_a_missing_step_fails_with_its_names(recorded, copy, judge, capsys):
    copy.drop(lambda line: line["step"] == 1)

    status, judged = judge(copy.part, recorded)

    assert (1, 0, 27) == (status, judged["disagreeing"], len(judged["only_in_reference"]))
    assert "hidden of step 1, microbatch 0" == judged["only_in_reference"][0]
    assert "only in the reference: hidden of step 1, microbatch 0; loss" in capsys.readouterr().out


def test_a_swapped_name_fails_with_both_names(recorded, copy, judge):
    lines = copy.lines()
    for line in lines:
        if line["tensor"] == WEIGHT:
            line["tensor"] = "module.2.weight"
    copy.write(lines)

    status, judged = judge(copy.part, recorded)

    assert 1 == status
    assert [f"module.2.weight of step {step}" for step in EVERY_STEP] == judged["only_in_recording"]
    assert [f"2.weight of step {step}" for step in EVERY_STEP] == judged["only_in_reference"]


def test_two_tensors_under_each_others_names_fail(recorded, copy, judge):
    lines = copy.lines()
    names = {"0.bias": "2.bias", "2.bias": "0.bias"}
    for path in copy.part.glob("step-2/[02].bias.safetensors"):
        path.unlink()
    for line in lines:
        if line["step"] == 2:
            line["tensor"] = names.get(line["tensor"], line["tensor"])
    copy.write(lines)

    judged = judge(copy.part, recorded)[1]

    assert (2, 2, "2.bias") == (
        judged["disagreeing"], judged["first_divergence"]["step"], judged["first_divergence"]["tensor"]
    )  # fmt: skip


@pytest.mark.parametrize("name", ["weights/0.weight", "optimizer_state/2.weight/exp_avg_sq"])
def test_one_bit_of_the_final_state_is_named(recorded, copy, judge, name):
    copy.change_final(name, lambda t: flip(t, 1, 2))

    status, judged = judge(copy.part, recorded)

    first = judged["first_divergence"]
    assert (1, -1, name, [0, 1], 1) == (status, first["step"], first["tensor"], first["index"], judged["disagreeing"])


def test_another_shape_is_reported(recorded, copy, judge):
    copy.change(0, 0, "hidden", lambda t: t[:2].contiguous())
    first = judge(copy.part, recorded, "--rtol", "1")[1]["first_divergence"]
    assert "torch.float32 of shape (2, 4) against torch.float32 of shape (5, 4)" == first["reason"]


def test_an_empty_recording_is_void(recorded, copy, judge):
    copy.write([])
    (copy.part / "final.safetensors").unlink()
    copy.describe(final=False)
    for pair in ((copy.part, recorded), (recorded, copy.part), (copy.part, copy.part)):
        status, judged = judge(*pair)
        assert (3, "VOID", 0) == (status, judged["verdict"], judged["compared"])
        assert f"Nothing was compared: there is no tensor in {copy.part}" in judged["sentence"]


def test_nothing_in_common_is_void(recorded, judge, tmp_path):
    other = train(tmp_path / "other", names=lambda name: f"other.{name}")
    status, judged = judge(other, recorded, "--only", "gradient")
    assert (3, "Nothing was compared: the recordings have no tensor in common.") == (status, judged["sentence"])


def test_a_training_that_was_stopped_is_not_passed(recorded, judge, tmp_path):
    stopped = train(tmp_path / "stopped", close=False)
    status, judged = judge(stopped, stopped)
    assert (3, "VOID") == (status, judged["verdict"])
    assert f"but {stopped} is incomplete" in judged["sentence"]
    assert 3 == judge(stopped, recorded)[0]


def test_the_final_state_of_one_side_only_is_reported(recorded, copy, judge, capsys):
    (copy.part / "final.safetensors").unlink()
    copy.describe(final=False)
    status, judged = judge(copy.part, recorded)
    assert (0, [f"the final state was not compared: {copy.part} has kept none"]) == (status, judged["remarks"])
    assert judged["remarks"][0] in capsys.readouterr().out


def test_a_chosen_kind_alone_is_compared_and_told(recorded, copy, judge):
    copy.change(0, 0, "hidden", lambda t: t + 1)
    status, judged = judge(copy.part, recorded, "--only", "gradient", "loss")
    assert (0, 3 * (4 + 2)) == (status, judged["compared"])
    assert "only these were compared, as was asked: gradient, loss" in judged["remarks"][0]


def test_an_unknown_kind_is_refused(recorded, judge, capsys):
    assert 2 == judge(recorded, recorded, "--only", "gradients")[0]
    assert "--only 'gradients': there is no such kind; there are boundary, loss, gradient" in capsys.readouterr().err


class TestTolerance:
    def test_it_is_stated_in_the_verdict(self, recorded, copy, judge):
        copy.change(2, None, WEIGHT, lambda t: t * (1 + 1e-6))
        assert 1 == judge(copy.part, recorded)[0]
        status, judged = judge(copy.part, recorded, "--rtol", "1e-5")
        assert (0, "close(rtol=1e-05, atol=0)", 1) == (status, judged["exactness"], judged["within_tolerance"])
        assert "agree within close(rtol=1e-05, atol=0)" in judged["sentence"]

    def test_what_is_beyond_it_is_named_by_its_own_index(self, recorded, copy, judge):
        def spoil(tensor):
            tensor *= 1 + 1e-6
            tensor[1, 2] += 1
            return tensor

        copy.change(2, None, WEIGHT, spoil)
        status, judged = judge(copy.part, recorded, "--rtol", "1e-5", "--atol", "1e-8")
        assert (1, [1, 2], 1) == (status, judged["first_divergence"]["index"], judged["disagreeing"])

    def test_digests_that_differ_are_counted_and_not_judged(self, recorded, digests_only, copy, judge):
        copy.change(2, None, WEIGHT, lambda t: t * (1 + 1e-6))
        status, judged = judge(copy.part, digests_only, "--rtol", "1e-5")
        assert (0, 1, 16) == (status, judged["not_comparable"], judged["whole"])
        assert "of another 1 that differ only digests were kept, so they were not compared" in judged["sentence"]

    def test_digests_alone_are_void(self, digests_only, judge, tmp_path):
        other = train(tmp_path / "other", record_steps=(), seed=1)
        status, judged = judge(other, digests_only, "--rtol", "1", "--only", "gradient")
        assert (3, 12) == (status, judged["not_comparable"])
        assert "12 tensors differ and were kept as digests only" in judged["sentence"]

    def test_equal_digests_beside_one_that_differs_are_void(self, digests_only, judge, tmp_path):
        other = Spoiler(shutil.copytree(digests_only, tmp_path / "other") / "main")
        lines = other.lines()
        next(line for line in lines if line["tensor"] == WEIGHT)["sha256"] = "0" * 64
        other.write(lines)
        status, judged = judge(other.part, digests_only, "--rtol", "1", "--only", "gradient")
        assert (3, 11, 1) == (status, judged["identical"], judged["not_comparable"])

    @pytest.mark.parametrize("value", ["-1", "nan", "inf", "much"])
    def test_it_is_a_finite_number(self, recorded, judge, value, capsys):
        with pytest.raises(SystemExit) as stopped:
            judge(recorded, recorded, f"--rtol={value}")
        assert 2 == stopped.value.code


def test_the_report_is_a_page_with_verdict_place_and_tolerance(recorded, copy, judge, tmp_path, capsys):
    copy.change(2, None, WEIGHT, lambda t: t + 1)
    page = tmp_path / "pages" / "judged.html"

    judge(copy.part, recorded, "--rtol", "1e-5", "--report", str(page))

    assert f"report: {page}\n" in capsys.readouterr().out
    text = page.read_text()
    for shown in ("FAIL", "close(rtol=1e-05, atol=0)", "step 2", f"{WEIGHT}[0, 0]", str(copy.part), "updated weight"):
        assert shown in text
