"""What the command line refuses, before anything is started, and the proxy servers that it finds or does not."""

import json
from types import SimpleNamespace

import pytest
from commanded import ended_at_once, leave_github, run

import harness.commands.running as command
from harness.cli import main
from harness.engine.run import run_scenario
from harness.errors import ScenarioError, UnusableError
from harness.plan.catalogue import SMALL
from harness.plan.faults import Blackhole
from harness.plan.scenario import Scenario
from harness.plan.scenario_json import scenario_json
from harness.proxy.errors import ServerDidNotStartError
from harness.recording.schema.start import Start
from harness.trace.place import At

NO_REAL_SERVER = {"TOXIPROXY_SERVER": "", "PATH": "/nonexistent"}


@pytest.fixture(autouse=True)
def no_job_of_github(monkeypatch):
    leave_github(monkeypatch)


@pytest.fixture
def outcomes(monkeypatch, tmp_path):
    return ended_at_once(monkeypatch, tmp_path)


def test_a_scenario_is_not_taken_for_the_file_of_the_json(outcomes, capsys):
    assert 2 == run("--json", "local")
    assert "that is a scenario, not a file" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--json", "--junit", "--report"])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_started(outcomes, capsys, flag):
    assert 2 == run("local", flag, "/proc/nowhere/out")
    assert [] == outcomes.runs
    assert "harness run: /proc/nowhere/out cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--json", "--junit", "--report"])
def test_a_folder_in_the_place_of_a_file_is_refused_before_anything_is_started(outcomes, capsys, flag, tmp_path):
    assert 2 == run("local", flag, str(tmp_path))
    assert [] == outcomes.runs
    assert f"harness run: {tmp_path} cannot be written (Is a directory)" in capsys.readouterr().err


def test_an_unknown_scenario_is_status_2_before_anything_is_started(outcomes, capsys):
    assert 2 == run("local", "no-such-scenario")
    assert [] == outcomes.runs
    message = capsys.readouterr().err
    assert "harness run: there is no scenario 'no-such-scenario'; `harness run --list` names all\n" == message


def test_a_list_is_not_of_a_file(outcomes, capsys):
    assert 2 == run("--scenario", "mine.json", "--list")
    printed = capsys.readouterr()
    assert ("", "harness run: give --scenario mine.json, or --list, not both\n") == (printed.out, printed.err)


def test_a_seed_that_is_not_allowed_is_status_2(outcomes, capsys):
    assert 2 == run("local", "--seed", "-1")
    assert "seed = -1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        UnusableError("name a folder by --runs"),
        ServerDidNotStartError("no answer"),
        OSError(28, "No space left on device", "trace.jsonl"),
    ],
)
def test_a_harness_that_cannot_work_is_status_2_with_its_message(outcomes, monkeypatch, capsys, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(command, "open_testbed", fail)
    assert 2 == run("local")
    assert f"harness run: {error}\n" == capsys.readouterr().err.splitlines(keepends=True)[-1]


def test_a_folder_in_which_no_run_can_be_recorded_is_status_2_with_a_message(monkeypatch, capsys):
    assert 2 == run("local", "--runs", "/proc/runs")
    assert "nothing can be written to /proc/runs" in capsys.readouterr().err


def test_a_misspelt_point_is_status_2_before_anything_is_started(outcomes, tmp_path, capsys):
    (tmp_path / "mine.py").write_text(
        "from harness.plan.catalogue import SMALL\n"
        "from harness.plan.scenario import Scenario\n"
        "mine = Scenario('mine', 'Mine', SMALL, expects=('trunk.graph.recomputd',))\n"
    )
    assert 2 == run("local", str(tmp_path / "mine.py"))
    assert [] == outcomes.runs
    told = "there is no point 'trunk.graph.recomputd' (did you mean 'trunk.graph.recomputed'?)"
    assert told in capsys.readouterr().err


SIMULATED_ONLY = Scenario("lost", "Lost", SMALL, faults=(Blackhole(At("client.forward.sent", 2)),))
NEEDS_A_SIMULATION = "swallows for good whatever is sent on the connections that are open, and says nothing, which only"


def test_what_only_a_simulated_machine_can_do_is_status_2_before_anything_is_started(outcomes, tmp_path, capsys):
    mine, recorded = tmp_path / "mine.py", tmp_path / "mine.json"
    mine.write_text(
        "from harness.plan.catalogue import SMALL\n"
        "from harness.plan.faults import Blackhole\n"
        "from harness.plan.scenario import Scenario\n"
        "from harness.trace.place import At\n"
        "mine = Scenario('lost', 'Lost', SMALL, faults=(Blackhole(At('client.forward.sent', 2)),))\n"
    )
    recorded.write_text(json.dumps(scenario_json(SIMULATED_ONLY)))
    for words in (("local", str(mine)), ("--scenario", str(recorded))):
        assert 2 == run(*words)
        assert [] == outcomes.runs
        told = capsys.readouterr().err
        assert NEEDS_A_SIMULATION in told
        assert told.endswith("run it with --sim\n")
    assert 0 == run(str(mine), "--rung", "direct")  # without the scenario's faults


def test_what_only_a_simulated_machine_can_do_is_refused_to_a_test_too(tmp_path):
    testbed = SimpleNamespace(start=Start(), runs=tmp_path / "runs")
    with pytest.raises(ScenarioError, match=NEEDS_A_SIMULATION):
        run_scenario(SIMULATED_ONLY, testbed)
    assert not testbed.runs.exists()


@pytest.fixture
def no_real_server(monkeypatch, tmp_path):
    for name, value in NO_REAL_SERVER.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("harness.proxy.backend._ROOT", tmp_path)


def test_the_real_proxy_server_where_there_is_none_is_status_2(no_real_server, outcomes, capsys):
    assert 2 == main(["run", "local", "--proxy", "real"])
    assert [] == outcomes.runs
    assert "harness run: no toxiproxy-server" in capsys.readouterr().err


def test_a_named_proxy_server_that_is_no_program_is_status_2(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("TOXIPROXY_SERVER", str(tmp_path / "missing"))
    assert 2 == main(["doctor"])
    assert "which is no program" in capsys.readouterr().err


def test_by_itself_the_embedded_proxy_server_does(no_real_server, outcomes):
    assert 0 == main(["run", "local"])
    assert "embedded" == outcomes.runs[0][1].backend.kind
