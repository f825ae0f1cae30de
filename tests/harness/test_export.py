"""An export that the library loads as another model, or with another tokenizer, does not pass for the reference's."""

import json
from dataclasses import replace

import pytest
import torch
from hand_made_facts import facts
from run_copy import SMALLEST
from safetensors.torch import save_file

from harness.judging.checks.export import CHARACTERS, _differing_blocks, check_export
from harness.oracle.uncut import load_model
from harness.trace.verdict import Verdict
from splitlearn.data import load_tokenizer


@pytest.fixture(params=["lines", "packed"])
def exported(request, small_text, tmp_path):
    """The facts of a run with an export that is right."""
    config = SMALLEST.but(data=str(small_text), data_format=request.param)
    model = load_model(config)
    save_file({f"weights/{name}": p.detach() for name, p in model.named_parameters()}, tmp_path / "final.safetensors")
    model.save_pretrained(tmp_path / "export")
    load_tokenizer(config).save(tmp_path / "export")
    known = facts(finals=tmp_path / "final.safetensors")
    return replace(known, scenario=replace(known.scenario, config=config), exported=tmp_path / "export")


def findings_of(known):
    return [finding.message for finding in check_export(known).findings]


def test_the_references_model_and_tokenizer_pass(exported):
    assert (Verdict.PASS, []) == (check_export(exported).verdict, findings_of(exported))


@pytest.mark.parametrize(
    ("name", "value"), [("n_head", 2), ("activation_function", "relu"), ("layer_norm_epsilon", 0.1)]
)
def test_another_setting_shows_by_its_name_and_in_the_logits(exported, name, value):
    path = exported.exported / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))

    setting, logits = findings_of(exported)

    assert setting.startswith(f"{name} of the export is {value}; the judge has ")
    assert logits.startswith("the logits of the export")


def test_an_export_without_a_tokenizer_shows(exported):
    for path in exported.exported.glob("tokenizer*"):
        path.unlink()

    (finding,) = findings_of(exported)

    assert "tokenizer" in finding


def test_another_tokenizer_shows(exported):
    load_tokenizer(exported.scenario.config.but(data="", vocab_size=300)).save(exported.exported)

    (finding,) = findings_of(exported)

    what = {"lines": "other ids for line ", "packed": "another id for token "}[exported.scenario.config.data_format]
    assert finding.startswith(f"the export's tokenizer gives {what}")


@pytest.mark.parametrize(("text", "differs"), [("abc", []), ("abd", ["token 3 of the text"])])
def test_a_text_of_a_few_tokens_is_compared_to_its_end(text, differs):
    trained = [torch.tensor([*b"abc", 0])]
    findings = [finding.message for finding in _differing_blocks(lambda text: [*text.encode()], text, trained)]
    assert [f"the export's tokenizer gives another id for {what}" for what in differs] == findings


def test_tokens_at_the_cut_of_a_long_text_are_not_compared():
    text = "a" * (CHARACTERS + 1)
    findings = _differing_blocks(lambda text: [*text.encode()[:-1], 0], text, [torch.tensor([*text.encode()])])
    assert [] == list(findings)
