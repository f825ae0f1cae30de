"""The ladder after a run that diverges: where its rungs are recorded, and which of them is guilty."""

import json
from types import SimpleNamespace

import pytest
from recordings import record_run

import harness.engine.ladder as locating
from harness.commands.telling import details
from harness.engine.run import RunOutcome
from harness.plan.catalogue import scenarios_named
from harness.recording.reader import find_runs, read_run
from harness.trace.verdict import Verdict


@pytest.fixture
def located(tmp_path, monkeypatch):
    """Locate a failed run of a scenario, with rungs that end in these ways in turn; returns its folder."""

    def locate(name, *words):
        (scenario,) = scenarios_named(name)
        endings = list(words)

        def run_scenario(rung, testbed, record_steps=(), runs=None, **_):
            word = endings.pop(0)
            folder = record_run((runs or testbed.runs) / rung.name, word, rung.name)
            return RunOutcome(rung, folder, Verdict("VOID" if word == "ERROR" else word), ())

        monkeypatch.setattr(locating, "run_scenario", run_scenario)
        folder = record_run(tmp_path / "runs" / name, "FAIL", name)
        outcome = RunOutcome(scenario, folder, Verdict.FAIL, ())
        testbed = SimpleNamespace(runs=tmp_path / "runs")
        locating.locate(outcome, testbed, lambda *_: testbed)
        assert [] == endings
        return folder

    return locate


@pytest.mark.parametrize("words", [("FAIL",), ("PASS", "PASS", "PASS", "PASS")])
def test_the_newest_run_is_the_one_that_failed_and_not_one_that_was_made_to_explain_it(located, words):
    folder = located("many", *words)
    assert [folder] == find_runs(folder.parent)
    rung = json.loads((folder / "equivalence.json").read_text())["ladder"][0]["folder"]
    assert read_run(folder / "rungs" / "many-rung-local").path == find_runs(folder / "rungs")[0]
    assert rung == str(folder / "rungs" / "many-rung-local")


@pytest.mark.parametrize(
    ("words", "guilty"),
    [
        (("FAIL",), "local"),
        (("PASS", "FAIL"), "simulated"),
        (("PASS", "PASS", "FAIL"), "direct"),
        (("PASS", "PASS", "PASS", "PASS"), "scenario"),
        (("VOID", "FAIL"), None),
        (("ERROR", "PASS", "PASS", "PASS"), None),
    ],
)
def test_a_rung_is_guilty_only_where_all_below_it_hold(located, words, guilty):
    folder = located("many", *words)
    assert guilty == json.loads((folder / "equivalence.json").read_text())["first_divergence"]["rung"]
    told = [line.strip() for line in details(read_run(folder)) if "guilty rung" in line]
    assert len(told) == 1
    assert told[0].startswith(f"guilty rung: {guilty} (" if guilty else "guilty rung: not known, for local showed")


def test_the_trunk_in_the_clients_process_has_one_client():
    (scenario,) = scenarios_named("three-clients")
    assert () == locating.on_rung(scenario, "local").other_clients
    assert scenario.other_clients == locating.on_rung(scenario, "direct").other_clients
