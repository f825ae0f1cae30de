"""`harness mutants`: names, exit status, and what it writes."""

import json
from dataclasses import replace

import pytest

from harness.cli import main
from harness.mutants import MUTANTS
from harness.mutants.scorecard import Alarm, Scorecard, as_json, as_markdown
from harness.mutants.trial import Trial

FOUND = Trial(
    mutant="see-the-future",
    verdict="FAIL",
    checks=("equivalence",),
    step=0,
    stage="bottom",
    tensor="smashed",
    latency=0,
    layer_right=None,
    cause="attention",
    cause_right=True,
    in_the_curve=True,
    in_allclose=True,
    seconds=2.0,
    finding="first divergence",
    likely_cause="tokens attend to later ones",
)
MUTANT = MUTANTS["see-the-future"]
EQUIVALENT = MUTANTS["report-the-norms-in-another-order"]
PASSED = replace(FOUND, verdict="PASS", checks=(), step=None, stage="", tensor="", cause="", cause_right=False)


def test_a_name_that_none_has_gets_a_hint(capsys):
    assert 2 == main(["mutants", "see-the-futur"])
    assert "did you mean 'see-the-future'?" in capsys.readouterr().err


def test_the_list_names_every_mutant_and_runs_none(capsys):
    assert 0 == main(["mutants", "--list"])
    assert [*MUTANTS] == [line.split()[0] for line in capsys.readouterr().out.splitlines()]


def test_a_mutant_that_is_caught_passes_and_is_written_down(tmp_path):
    card, table = tmp_path / "card.json", tmp_path / "card.md"
    words = ["add-every-gradient-twice", "--proxy", "embedded", "--runs", str(tmp_path), "--json", str(card)]

    assert 0 == main(["mutants", *words, "--markdown", str(table)])

    found = json.loads(card.read_text())
    assert "PASS" == found["verdict"]
    assert {"mutants": 1, "caught": 1, "cause right": 1, "false alarms": 0}.items() <= found["figures"].items()
    assert "accumulated twice" == found["mutants"][0]["cause"]
    assert "| equivalence | step 0, trunk, transformer.h.2.mlp.c_proj.bias | 0 |" in table.read_text()


@pytest.mark.parametrize(
    ("trials", "alarms", "verdict"),
    [
        ({MUTANT: FOUND}, [], "PASS"),
        ({MUTANT: FOUND, EQUIVALENT: PASSED}, [], "PASS"),
        ({MUTANT: PASSED}, [], "FAIL"),
        ({MUTANT: replace(PASSED, verdict="VOID")}, [], "FAIL"),
        ({MUTANT: FOUND, EQUIVALENT: FOUND}, [], "FAIL"),
        ({MUTANT: FOUND}, [Alarm("direct", "FAIL", "work")], "FAIL"),
        ({}, [], "VOID"),
    ],
)
def test_a_missed_bug_a_false_alarm_and_a_refuted_argument_fail(trials, alarms, verdict):
    assert verdict == as_json(Scorecard(trials, alarms, 1))["verdict"]


def test_the_tables_name_what_was_missed_and_what_no_run_can_find():
    tables = as_markdown(Scorecard({MUTANT: PASSED, EQUIVALENT: PASSED}, [], 1))

    assert "| MISSED (PASS) |" in tables
    assert f"| {EQUIVALENT.equivalent} |" in tables
    assert "(it is: attention)" in tables
