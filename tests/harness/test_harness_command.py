"""The command line: exit status, messages and the JSON that scripts read."""

import json
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

import harness.commands.run as command
from harness.catalogue import CATALOGUE, QUICK, scenarios_named
from harness.cli import COMMANDS, main
from harness.errors import HarnessError
from harness.proxy.errors import ServerDidNotStartError
from harness.run import RunOutcome
from harness.verdict import CheckResult, Finding, worst

NO_REAL_SERVER = {"TOXIPROXY_SERVER": "", "PATH": "/nonexistent"}


def checks_for(word):
    """Give the checks of a run with that verdict."""
    equivalence = CheckResult("equivalence", 7, "7 of 7 tensors", figures={"tensors": 7, "worst ulp": 0})
    bad = CheckResult("completion", 1, "done", (Finding("the client hung"),) if word == "FAIL" else ())
    void = CheckResult("faults", 1, "fired", void_because="drop did not fire" if word == "VOID" else "")
    return bad, equivalence, void


@pytest.fixture
def outcomes(monkeypatch, tmp_path):
    """Let every run end at once, with the verdicts given here in turn, PASS when they are used up."""
    words, runs = [], []

    def run_scenario(scenario, workshop, _on_event, whole_steps):
        checks = checks_for(words.pop(0) if words else "PASS")
        verdict = worst(check.verdict for check in checks)
        runs.append((scenario, workshop, tuple(whole_steps)))
        return RunOutcome(scenario, tmp_path / scenario.name, verdict, checks)

    @contextmanager
    def open_workshop(folder, backend, **options):
        yield SimpleNamespace(folder=folder, backend=backend, **options)

    monkeypatch.setattr(command, "run_scenario", run_scenario)
    monkeypatch.setattr(command, "open_workshop", open_workshop)
    return SimpleNamespace(words=words, runs=runs)


def run(*words):
    return main(["run", "--proxy", "embedded", *words])


class TestHelp:
    @pytest.mark.parametrize("words", [["--help"], *([name, "--help"] for name in COMMANDS)])
    def test_help_is_printed_with_status_0(self, words, capsys):
        with pytest.raises(SystemExit) as stopped:
            main(words)
        assert 0 == stopped.value.code
        assert capsys.readouterr().out.startswith("usage: harness")

    def test_help_names_every_command(self, capsys):
        with pytest.raises(SystemExit):
            main(["--help"])
        shown = capsys.readouterr().out
        assert [] == [name for name in COMMANDS if name not in shown]

    def test_help_of_run_names_every_scenario(self, capsys):
        with pytest.raises(SystemExit):
            main(["run", "--help"])
        shown = capsys.readouterr().out
        assert [] == [name for name in QUICK if name not in shown]

    @pytest.mark.parametrize("words", [[], ["no-such-command"], ["run", "--no-such-flag"]])
    def test_wrong_usage_is_status_2(self, words, capsys):
        with pytest.raises(SystemExit) as stopped:
            main(words)
        assert 2 == stopped.value.code
        assert "usage: harness" in capsys.readouterr().err


class TestRun:
    def test_a_quick_set_without_a_name(self, outcomes):
        assert 0 == run()
        assert [*QUICK] == [scenario.name for scenario, _, _ in outcomes.runs]

    def test_groups_and_names_in_the_order_given(self, outcomes):
        assert 0 == run("many", "convergence", "local")
        assert ["many", "convergence", "local"] == [scenario.name for scenario, _, _ in outcomes.runs]

    def test_the_seed_goes_to_every_scenario_and_to_the_proxy(self, outcomes):
        assert 0 == run("local", "direct", "--seed", "5")
        assert [5, 5] == [scenario.config.seed for scenario, _, _ in outcomes.runs]
        assert {5} == {workshop.seed for _, workshop, _ in outcomes.runs}

    def test_flags_reach_the_workshop_and_the_run(self, outcomes, tmp_path):
        assert 0 == run("local", "--cold", "--runs", str(tmp_path / "here"), "--record-steps", "1", "2")
        ((_, workshop, steps),) = outcomes.runs
        assert (True, tmp_path / "here", (1, 2)) == (workshop.cold, workshop.folder, steps)
        assert "embedded" == workshop.backend.kind

    @pytest.mark.parametrize(
        ("words", "status", "verdict"),
        [
            (["PASS", "PASS"], 0, "PASS"),
            (["FAIL", "PASS"], 1, "FAIL"),
            (["PASS", "VOID"], 3, "VOID"),
            (["VOID", "FAIL"], 1, "FAIL"),
        ],
    )
    def test_the_exit_status_is_that_of_the_worst_run(self, outcomes, monkeypatch, capsys, words, status, verdict):
        monkeypatch.setattr(command, "locate", lambda *_: None)
        outcomes.words += words
        assert status == run("local", "direct")
        assert f"verdict: {verdict}" == capsys.readouterr().out.splitlines()[-1]

    def test_the_table_says_what_is_wrong_with_each_run(self, outcomes, monkeypatch, capsys):
        monkeypatch.setattr(command, "locate", lambda *_: None)
        outcomes.words += ["FAIL", "VOID", "PASS"]
        run("local", "direct", "many")
        assert [
            "FAIL  local   completion: the client hung",
            "VOID  direct  faults: drop did not fire",
            "PASS  many    7 of 7 tensors; fired",
            "verdict: FAIL",
        ] == capsys.readouterr().out.splitlines()

    def test_only_a_failed_run_is_located(self, outcomes, monkeypatch):
        located = []
        monkeypatch.setattr(command, "locate", lambda outcome, _workshop: located.append(outcome.scenario.name))
        outcomes.words += ["PASS", "FAIL", "VOID"]
        run("local", "direct", "many")
        assert ["direct"] == located

    def test_json_has_verdict_and_figures_of_every_run(self, outcomes, tmp_path):
        outcomes.words += ["VOID"]
        assert 3 == run("local", "--json", str(tmp_path / "out.json"))
        assert {
            "verdict": "VOID",
            "proxy": "embedded",
            "runs": [
                {
                    "scenario": "local",
                    "verdict": "VOID",
                    "folder": str(tmp_path / "local"),
                    "checks": {"completion": "PASS", "equivalence": "PASS", "faults": "VOID"},
                    "figures": {"tensors": 7, "worst ulp": 0},
                }
            ],
        } == json.loads((tmp_path / "out.json").read_text())

    def test_an_unknown_scenario_is_status_2_before_anything_is_started(self, outcomes, capsys):
        assert 2 == run("local", "no-such-scenario")
        assert [] == outcomes.runs
        message = capsys.readouterr().err
        assert "harness run: there is no scenario 'no-such-scenario'; `harness run --list` names all\n" == message

    def test_a_list_names_every_scenario_and_runs_none(self, outcomes, capsys):
        assert 0 == run("--list")
        lines = capsys.readouterr().out.splitlines()
        assert [s.name for group in CATALOGUE.values() for s in group] == [line.split()[0] for line in lines]
        assert 0 == run("--list", "fault-recovery")
        assert len(CATALOGUE["fault-recovery"]) == len(capsys.readouterr().out.splitlines())
        assert [] == outcomes.runs

    def test_a_seed_that_is_not_allowed_is_status_2(self, outcomes, capsys):
        assert 2 == run("local", "--seed", "-1")
        assert "seed = -1" in capsys.readouterr().err

    @pytest.mark.parametrize("error", [HarnessError("the reference failed"), ServerDidNotStartError("no answer")])
    def test_a_harness_that_cannot_work_is_status_2_with_its_message(self, outcomes, monkeypatch, capsys, error):
        def fail(*_):
            raise error

        monkeypatch.setattr(command, "run_scenario", fail)
        assert 2 == run("local")
        assert f"harness run: {error}\n" == capsys.readouterr().err.splitlines(keepends=True)[-1]

    def test_an_interrupt_is_status_130(self, outcomes, monkeypatch, capsys):
        def interrupt(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(command, "run_scenario", interrupt)
        assert 130 == run("local")
        assert "harness run: interrupted" in capsys.readouterr().err


class TestProxyChoice:
    @pytest.fixture
    def no_real_server(self, monkeypatch, tmp_path):
        for name, value in NO_REAL_SERVER.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("harness.proxy.backend._ROOT", tmp_path)

    def test_the_real_one_where_there_is_none_is_status_2(self, no_real_server, outcomes, capsys):
        assert 2 == main(["run", "local", "--proxy", "real"])
        assert [] == outcomes.runs
        assert "harness run: no toxiproxy-server" in capsys.readouterr().err

    def test_a_named_one_that_is_no_program_is_status_2(self, monkeypatch, tmp_path, capsys):
        monkeypatch.setenv("TOXIPROXY_SERVER", str(tmp_path / "missing"))
        assert 2 == main(["doctor"])
        assert "which is no program" in capsys.readouterr().err

    def test_by_itself_the_embedded_one_does(self, no_real_server, outcomes):
        assert 0 == main(["run", "local"])
        assert "embedded" == outcomes.runs[0][1].backend.kind


def test_doctor_says_what_was_found(tmp_path, capsys):
    path = tmp_path / "found.json"
    assert 0 == main(["doctor", "--json", str(path)])
    found = json.loads(path.read_text())
    assert "PASS" == found["verdict"]
    assert {"python", "torch", "grpcio"} <= found["versions"].keys()
    assert found["machine"]["cores"] >= 1
    assert found["proxy"]["kind"] in ("real", "embedded")
    assert 0 < found["loopback port"] < 65536
    shown = capsys.readouterr().out
    assert found["versions"]["torch"] in shown


def test_every_scenario_can_be_chosen_by_its_replay_command():
    for name in (*QUICK, "main"):
        (again,) = command.chosen_scenarios([name], 9)
        assert scenarios_named(name)[0].with_seed(9) == again
        assert isinstance(again.config.save_dir, Path)
