"""Scenarios of the catalogue run in the simulated world; they are judged, recorded and replayed like real runs."""

import json
from dataclasses import replace

import pytest

from harness.cli import main
from harness.plan.catalogue import CATALOGUE
from harness.plan.selection import chosen_scenarios
from harness.recording.plan import Plan, read_plan
from harness.recording.reader import find_runs, read_run
from harness.recording.schema import Start
from harness.sim.scope import why_not_simulated
from splitlearn.trunk.session import TrunkSession

KILL = "kill-trunk-at-trunk.backward.received-2"


@pytest.fixture
def harness(tmp_path):
    """Return a function that runs a harness command, and returns its exit status and the JSON that it wrote."""

    def run(*words):
        told = tmp_path / "told.json"
        status = main([*words, "--runs", str(tmp_path / "runs"), "--json", str(told)])
        return status, json.loads(told.read_text())

    return run


def test_a_simulated_run_is_judged_and_recorded_like_any_other(harness, tmp_path):
    status, told = harness("run", KILL, "--sim")

    (run,) = told["runs"]
    assert (0, "PASS", "simulated") == (status, told["verdict"], told["proxy"])
    checks = run["checks"]
    assert {"PASS"} == {checks[name] for name in ("equivalence", "exactly_once", "faults", "liveness", "invariants")}
    assert {"N/A"} == {checks[name] for name in ("logs", "peak_memory", "traffic")}
    assert f"harness run {KILL} --seed 0 --sim" == run["replay"]
    folder = read_run(find_runs(tmp_path / "runs")[0])
    assert "simulated network" == folder.environment.proxy.kind
    assert len(folder.split) == len(folder.reference) == 6
    assert any(event.point == "process.killed" for event in folder.trace)
    assert not (folder.path / "checkpoints").exists()


def test_a_simulated_run_is_replayed_in_the_same_world(harness, tmp_path):
    harness("run", KILL, "--sim", "--seed", "7")
    first = find_runs(tmp_path / "runs")[0]
    assert Start(simulated=7) == read_plan(first).start

    status, _ = harness("replay", str(first))
    again = find_runs(tmp_path / "runs")[-1]
    assert (0, Start(simulated=7)) == (status, read_plan(again).start)
    assert first != again
    assert (first / "trace.jsonl").read_text() == (again / "trace.jsonl").read_text()


def test_a_cold_run_that_is_replayed_in_simulation_says_how_to_repeat_that(harness, tmp_path):
    file = tmp_path / "cold.json"
    file.write_text(json.dumps(Plan(chosen_scenarios([KILL], None)[0], Start(cold=True)).as_json()))

    status, told = harness("replay", str(file), "--sim")
    (run,) = told["runs"]
    assert (0, f"harness run {KILL} --seed 0 --sim") == (status, run["replay"])


def test_a_broken_trunk_fails_in_simulation_with_its_first_divergence_and_guilty_rung(harness, monkeypatch):
    commit = TrunkSession.commit

    def commits_too_fast(self, decided):
        commit(self, replace(decided, learning_rate=2 * decided.learning_rate) if decided.step == 3 else decided)

    monkeypatch.setattr(TrunkSession, "commit", commits_too_fast)
    status, told = harness("run", "direct", "--sim")

    (run,) = told["runs"]
    assert (1, "FAIL") == (status, run["checks"]["equivalence"])
    assert 3 == run["first_divergence"]["step"]
    # The rung below passes: its programs run in other processes, in which the bug is not planted.
    assert [("local", "PASS"), ("simulated", "FAIL")] == [(rung["rung"], rung["verdict"]) for rung in run["ladder"]]
    assert "simulated" == run["first_divergence"]["rung"]


def test_an_invariant_that_does_not_hold_fails_the_run(harness, monkeypatch):
    broken = lambda self, *_: self._violated("same reply", "!")  # noqa: E731 - a method
    monkeypatch.setattr("harness.sim.invariants.Invariants.answered", broken)
    status, told = harness("run", "direct", "--sim")
    (run,) = told["runs"]
    assert (1, "FAIL") == (status, run["checks"]["invariants"])
    assert run["findings"][0]["message"].startswith("same reply: !")


@pytest.mark.parametrize("name", ["local", "token", "tls", "export", "flip-upstream-preface-0", "hostile-peers-quick"])
def test_what_needs_real_programs_or_a_real_network_is_refused(name, capsys, tmp_path):
    assert 2 == main(["run", name, "--sim", "--runs", str(tmp_path)])
    assert f"scenario {name!r} cannot be simulated: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--proxy", "embedded"], ["--cold"], ["--rung", "proxy"], ["--rung", "simulated", "--cold"]]
)
def test_a_simulated_run_has_no_programs_and_no_proxy(words, capsys):
    assert 2 == main(["run", "direct", *words, *(["--sim"] if "simulated" not in words else [])])
    assert "--sim" in capsys.readouterr().err


@pytest.mark.parametrize(
    "group",
    ["kill-matrix", "kill-matrix-ef", "network-matrix", "network-matrix-ef", "pairs", "fault-recovery", "detection"],
)
def test_every_cell_of_a_matrix_can_be_simulated(group):
    assert {""} == {why_not_simulated(scenario) for scenario in CATALOGUE[group]}
