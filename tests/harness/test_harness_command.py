"""The command line: exit status, messages and the JSON that scripts read."""

import json

import pytest
from commanded import ended_at_once, leave_github, run
from recordings import record_run

import harness.commands.running as command
from harness.cli import main
from harness.plan.catalogue import CATALOGUE, QUICK


@pytest.fixture(autouse=True)
def no_job_of_github(monkeypatch):
    leave_github(monkeypatch)


@pytest.fixture
def outcomes(monkeypatch, tmp_path):
    return ended_at_once(monkeypatch, tmp_path)


def test_a_quick_set_without_a_name(outcomes):
    assert 0 == run()
    assert [*QUICK] == [scenario.name for scenario, _, _ in outcomes.runs]


def test_groups_and_names_in_the_order_given(outcomes):
    assert 0 == run("many", "convergence", "local")
    assert ["many", "convergence", "local"] == [scenario.name for scenario, _, _ in outcomes.runs]


def test_the_seed_goes_to_every_scenario_and_to_the_proxy(outcomes):
    assert 0 == run("local", "direct", "--seed", "5")
    assert [5, 5] == [scenario.config.seed for scenario, _, _ in outcomes.runs]
    assert {5} == {testbed.seed for _, testbed, _ in outcomes.runs}


def test_without_a_seed_the_proxy_has_the_scenarios_own(outcomes):
    mine = next(each for group in CATALOGUE.values() for each in group if each.config.seed > 0)
    assert 0 == run(mine.name)
    assert [mine.config.seed] == [testbed.seed for _, testbed, _ in outcomes.runs]


def test_flags_reach_the_testbed_and_the_run(outcomes, tmp_path):
    assert 0 == run("local", "--cold", "--runs", str(tmp_path / "here"), "--record-steps", "1", "2")
    ((_, testbed, steps),) = outcomes.runs
    assert (True, tmp_path / "here", (1, 2)) == (testbed.cold, testbed.folder, steps)
    assert "embedded" == testbed.backend.kind


@pytest.mark.parametrize(
    ("words", "status", "verdict"),
    [
        (["PASS", "PASS"], 0, "PASS"),
        (["FAIL", "PASS"], 1, "FAIL"),
        (["PASS", "VOID"], 3, "VOID"),
        (["VOID", "FAIL"], 1, "FAIL"),
        (["ERROR", "PASS"], 3, "VOID"),
    ],
)
def test_the_exit_status_is_that_of_the_worst_run(outcomes, capsys, words, status, verdict):
    outcomes.words += words
    assert status == run("local", "direct")
    assert f"verdict: {verdict}" == capsys.readouterr().out.splitlines()[-1]


def test_the_table_says_what_is_wrong_with_each_run_and_how_to_run_it_again(outcomes, capsys, tmp_path):
    outcomes.words += ["FAIL", "VOID", "PASS"]
    run("local", "direct", "many")
    assert [
        "FAIL   local   equivalence: first divergence: features of the trunk",
        "       first divergence: step 2, microbatch 1, trunk, features [0, 3, 5]: split run 0.5, reference 0.25",
        "       guilty rung: local (Local trunk)",
        "       replay: harness run local --seed 0",
        f"       run: {tmp_path / 'local'}",
        "VOID   direct  faults: drop did not fire",
        "       replay: harness run direct --seed 0",
        f"       run: {tmp_path / 'direct'}",
        "PASS   many    7 of 7 tensors; fired",
        "verdict: FAIL",
    ] == capsys.readouterr().out.splitlines()


def test_an_error_of_the_harness_is_a_row_of_its_own_with_its_traceback(outcomes, capsys):
    outcomes.words += ["ERROR", "PASS"]
    run("local", "many")
    lines = capsys.readouterr().out.splitlines()
    assert "ERROR  local  harness: HarnessError: the reference failed" == lines[0]
    assert "       Traceback (most recent call last):" in lines
    assert "PASS   many   7 of 7 tensors; fired" in lines


def test_only_a_failed_run_is_located(outcomes, monkeypatch):
    located = []
    monkeypatch.setattr(command, "locate", lambda outcome, *_: located.append(outcome.scenario.name))
    outcomes.words += ["PASS", "FAIL", "VOID"]
    run("local", "direct", "many")
    assert ["direct"] == located


def test_json_has_all_that_is_wrong_and_the_figures_of_every_run(outcomes, tmp_path):
    outcomes.words += ["FAIL"]
    assert 1 == run("local", "--json", str(tmp_path / "out.json"))
    found = json.loads((tmp_path / "out.json").read_text())
    (told,) = found["runs"]
    assert ("FAIL", "embedded") == (found["verdict"], found["proxy"])
    assert ("local", "FAIL", "") == (told["scenario"], told["verdict"], told["error"])
    assert {"completion": "PASS", "equivalence": "FAIL", "faults": "PASS"} == told["checks"]
    assert [{"check": "equivalence", "message": "first divergence: features of the trunk"}] == told["findings"]
    assert {"tensors": 7, "worst ulp": 0} == told["figures"]
    assert "harness run local --seed 0" == told["replay"]
    assert str(tmp_path / "local") == told["folder"]
    assert {
        "step": 2,
        "microbatch": 1,
        "stage": "trunk",
        "tensor": "features",
        "index": [0, 3, 5],
        "split": 0.5,
        "reference": 0.25,
        "rung": "local",
    } == told["first_divergence"]
    assert [{"rung": "local", "verdict": "FAIL", "folder": "rungs/local"}] == told["ladder"]


@pytest.mark.parametrize("words", [["--json"], ["--json", "-"]])
def test_json_without_a_file_is_all_that_standard_output_has(outcomes, capsys, words):
    assert 0 == run("local", *words)
    printed = capsys.readouterr()
    assert "PASS" == json.loads(printed.out)["verdict"]
    assert "verdict: PASS" in printed.err


def test_flags_of_the_same_run_are_replayed(outcomes):
    run("local", "--cold", "--record-steps", "1")
    ((_, testbed, _),) = outcomes.runs
    assert ("--proxy", "embedded", "--cold", "--record-steps", "1") == testbed.flags


def test_a_rung_is_the_scenario_without_its_link_and_faults(outcomes):
    assert 0 == run("many", "--rung", "direct")
    ((scenario, _, _),) = outcomes.runs
    assert ("direct", (), ("equivalence",)) == (scenario.topology, scenario.faults, scenario.checks)


def test_a_progress_bar_is_not_for_a_file(outcomes, capsys):
    run("local")
    assert "" == capsys.readouterr().err


def test_a_list_names_every_scenario_and_runs_none(outcomes, capsys):
    assert 0 == run("--list")
    lines = capsys.readouterr().out.splitlines()
    assert [s.name for group in CATALOGUE.values() for s in group] == [line.split()[0] for line in lines]
    assert 0 == run("--list", "fault-recovery")
    assert len(CATALOGUE["fault-recovery"]) == len(capsys.readouterr().out.splitlines())
    assert [] == outcomes.runs


def test_an_interrupt_is_status_130(outcomes, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "run_scenario", interrupt)
    assert 130 == run("local")
    assert "harness run: interrupted" in capsys.readouterr().err


def test_runs_that_had_ended_before_an_interrupt_are_written_all_the_same(outcomes, monkeypatch, tmp_path):
    whole = command.run_scenario

    def interrupted_at_the_second(scenario, *arguments, **more):
        if outcomes.runs:
            raise KeyboardInterrupt
        return whole(scenario, *arguments, **more)

    monkeypatch.setattr(command, "run_scenario", interrupted_at_the_second)
    told, junit = tmp_path / "out.json", tmp_path / "out.xml"
    assert 130 == run("local", "direct", "many", "--json", str(told), "--junit", str(junit))
    found = json.loads(told.read_text())
    assert ("VOID", ["direct", "many"]) == (found["verdict"], found["left"])
    assert [("local", "PASS")] == [(one["scenario"], one["verdict"]) for one in found["runs"]]
    assert 'name="local"' in junit.read_text()


@pytest.mark.parametrize("words", [["doctor"], ["report", "RUN"]])
def test_json_without_a_file_is_all_that_other_commands_print_too(words, tmp_path, monkeypatch, capsys):
    record_run(tmp_path / "RUN", "PASS")
    monkeypatch.chdir(tmp_path)
    assert 0 == main([*words, "--json"])
    assert "PASS" == json.loads(capsys.readouterr().out)["verdict"]
