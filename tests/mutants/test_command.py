"""`harness mutants`: names, exit status, and what it writes."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from mutants.found import FOUND

from harness.cli import main
from harness.mutants import MUTANTS, trials
from harness.mutants.page import page
from harness.mutants.scorecard import scorecard
from harness.recording.schema import AlarmRecord
from harness.trace.verdict import Verdict

PASSED = replace(FOUND, verdict="PASS", checks=(), step=None, stage="", tensor="", cause="", cause_right=False)
EQUIVALENT = replace(PASSED, mutant="add-in-another-order", equivalent="Two numbers have one sum.")


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
        ([FOUND], [], "PASS"),
        ([FOUND, EQUIVALENT], [], "PASS"),
        ([PASSED], [], "FAIL"),
        ([replace(PASSED, verdict="VOID")], [], "FAIL"),
        ([FOUND, replace(FOUND, equivalent="Two numbers have one sum.")], [], "FAIL"),
        ([FOUND], [AlarmRecord("direct", "FAIL", "work")], "FAIL"),
        ([], [], "VOID"),
    ],
)
def test_a_missed_bug_a_false_alarm_and_a_refuted_argument_fail(trials, alarms, verdict):
    assert verdict == scorecard(trials, alarms, 1, "").verdict


def test_what_is_recorded_as_measured_is_the_commit_at_the_beginning(monkeypatch):
    source = ["before"]

    def run_scenario(*_):
        source[0] = "after"
        return SimpleNamespace(verdict=Verdict.PASS)

    monkeypatch.setattr(trials, "commit", lambda: source[0])
    monkeypatch.setattr(trials, "run_scenario", run_scenario)
    monkeypatch.setattr(trials, "try_mutant", lambda *_: FOUND)
    card = trials.try_all([MUTANTS[FOUND.mutant]], None, 1, lambda _: None)

    assert ("before", "after", (FOUND,)) == (card.commit, source[0], card.mutants)


def test_bugs_are_counted():
    later = replace(FOUND, mutant="look-back", latency=2, layer_right=False, cause_right=False, unseen=True)
    elsewhere = replace(FOUND, mutant="look-ahead", layer_right=True)
    figures = scorecard([FOUND, elsewhere, later, PASSED, EQUIVALENT], [], 29, "").figures

    assert {
        "mutants": 4,
        "caught": 3,
        "caught by their bits": 3,
        "caught in the first wrong step": 2,
        "with a known layer": 2,
        "layer right": 1,
        "cause right": 2,
        "added after the diagnosis rules": 1,
        "cause right of those": 0,
        "seen in the loss curve": 3,
        "seen by allclose": 3,
        "equivalent": 1,
        "scenarios of the correct system": 29,
        "false alarms": 0,
    } == figures


def test_the_tables_name_what_was_missed_and_what_no_run_can_find():
    tables = page(scorecard([PASSED, EQUIVALENT], [], 1, ""))

    assert "| MISSED (PASS) |" in tables
    assert "| Two numbers have one sum. |" in tables
    assert "(it is: attention)" in tables
