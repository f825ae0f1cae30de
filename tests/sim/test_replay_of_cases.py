"""`harness replay FILE` of a case that `harness explore` wrote."""

import json
import math
from pathlib import Path

import pytest
from sim.worlds import scenario_of

import harness.commands.running as command
from harness.cli import main
from harness.plan.faults import DiskFault, DropConnection, MessageFault, PowerLoss
from harness.sim.ablations import ABLATIONS
from harness.sim.case import Case, SimulatedIn
from harness.trace.place import At

LATE = MessageFault(At("client.forward.sending", 3, 0), "late", "Compute")
DROP = DropConnection(At("client.forward.sent", 2))


@pytest.fixture
def written(tmp_path):
    """Write a case; return its file."""

    def write(*faults, **world):
        Case(scenario_of(*faults), SimulatedIn(1, **world)).write(tmp_path / "case.json")
        return str(tmp_path / "case.json")

    return write


def test_a_case_that_passes_is_shown_with_its_diagram(written, capsys, tmp_path):
    result = tmp_path / "result.json"

    assert main(["replay", written(DROP), "--json", str(result)]) == 0
    shown = capsys.readouterr().out
    assert "── Compute 7.0" in shown
    assert "violation: none" in shown
    assert shown.endswith("verdict: PASS\n")
    assert json.loads(result.read_text())["verdict"] == "PASS"


def test_a_case_that_fails_names_what_it_violates(written, capsys, tmp_path):
    result = tmp_path / "result.json"
    with ABLATIONS["fencing"].switched_off():
        status = main(["replay", written(LATE), "--json", str(result)])

    shown = capsys.readouterr().out
    assert status == 1
    assert "violation: one incarnation: session 'run', step 3, microbatch 0: a Compute of incarnation" in shown
    assert "MessageFault(" in shown
    assert shown.endswith("verdict: FAIL\n")
    assert json.loads(result.read_text())["invariant"] == "one incarnation"


def test_a_case_whose_faults_never_come_shows_nothing(written, capsys):
    assert main(["replay", written(DropConnection(At("client.session.lost")))]) == 3
    assert capsys.readouterr().out.endswith("verdict: VOID\n")


def test_a_case_whose_faults_are_armed_and_never_strike_shows_nothing(written, tmp_path):
    result = tmp_path / "result.json"
    armed = DiskFault(At("client.training.finished"), "failed-rename", "client")

    assert main(["replay", written(armed), "--json", str(result)]) == 3
    assert json.loads(result.read_text())["faults that showed"] == []
    assert main(["replay", written(armed, DROP), "--json", str(result)]) == 0
    assert json.loads(result.read_text())["faults that showed"] == [DROP.name]


def test_a_case_runs_on_real_programs(written, monkeypatch):
    ran = []
    monkeypatch.setattr(command, "run_all", lambda scenarios, flags: ran.append((scenarios, flags.sim)) or 0)

    assert main(["replay", written(DROP), "--real"]) == 0
    assert ran == [([scenario_of(DROP)], False)]


def test_what_only_a_simulated_machine_can_do_is_not_tried_on_real_programs(written, capsys):
    assert main(["replay", written(PowerLoss(At("trunk.checkpoint.written"), "trunk")), "--real"]) == 2
    told = capsys.readouterr().err
    assert "cuts the power of the trunk's machine" in told
    assert told.endswith("run it with --sim\n")


def test_a_case_is_not_recorded_and_has_no_report(written, capsys):
    assert main(["replay", written(DROP), "--report", "report.html"]) == 2
    assert "not recorded" in capsys.readouterr().err


def test_a_damaged_case_is_named(written, capsys):
    assert main(["replay", written(DROP, arm="paper")]) == 2
    assert "simulation.arm" in capsys.readouterr().err


@pytest.mark.parametrize(
    "flags",
    [
        ("--seed", "7"),
        ("--rung", "direct"),
        ("--rung", "simulated"),
        ("--proxy", "embedded"),
        ("--cold",),
        ("--record-steps", "1"),
    ],
    ids=" ".join,
)
def test_flags_that_contradict_a_case_are_refused(written, capsys, flags):
    file = written(DROP)

    assert main(["run", "--scenario", file, *flags]) == 2
    told = capsys.readouterr().err
    assert f"leave {flags[0]} out, and edit 'simulation' in the file" in told
    assert f"harness replay {file} --real" in told


@pytest.mark.parametrize("flags", [("--runs", "here"), ("--sim", "--keep"), ("--junit", "out.xml", "--runs", "here")])
def test_flags_of_recordings_are_refused(written, capsys, monkeypatch, tmp_path, flags):
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--scenario", written(DROP), *flags]) == 2
    named = " and ".join(flag for flag in flags if flag.startswith("--") and flag != "--sim")
    assert f"not recorded: leave {named} out" in capsys.readouterr().err


def test_a_case_is_a_scenario_to_run(written):
    assert main(["run", "--scenario", written(DROP)]) == 0
    assert main(["run", "--scenario", written(DROP), "--sim"]) == 0


@pytest.mark.parametrize(
    ("world", "message"),
    [
        ({"seed": -1}, "simulation.seed: Input should be greater than or equal to 0"),
        ({"seed": 1, "memory": -5}, "simulation.memory: Input should be greater than or equal to 0"),
        ({"seed": 1, "memory": 1}, "simulation.memory = 1: the trunk needs 2500 bytes for a step of the arm 'stub'"),
        ({"seed": 1, "arm": "tensors", "memory": 2500}, "simulation.memory = 2500: the trunk needs 16000 bytes"),
        ({"seed": 1, "step_seconds": -0.5}, "simulation.step_seconds: Input should be greater than or equal to 0"),
        ({"seed": 1, "step_seconds": math.nan}, "simulation.step_seconds: Input should be a finite number"),
        ({"seed": 1, "step_seconds": math.inf}, "simulation.step_seconds: Input should be a finite number"),
        ({"seed": 1, "step_seconds": 37.5}, "8 steps take longer than the 300 s that a run may take; give less than"),
        ([], 'simulation: give an object such as {"seed": 0}; its keys are seed, arm, calm, memory, step_seconds'),
        (None, 'simulation: give an object such as {"seed": 0}'),
    ],
    ids=repr,
)
def test_a_world_in_which_no_run_could_end_is_refused(written, capsys, world, message):
    file = Path(written(DROP))
    file.write_text(json.dumps({**json.loads(file.read_text()), "simulation": world}))

    assert main(["replay", str(file)]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("world", [{"memory": 2500}, {"step_seconds": 30.0}], ids=repr)
def test_a_world_at_its_limits_is_simulated(written, world):
    assert main(["replay", written(DROP, **world)]) == 0


def test_an_unknown_setting_of_the_simulation_is_refused(written, capsys):
    file = Path(written(DROP))
    values = json.loads(file.read_text())
    values["simulation"]["speed"] = 3
    file.write_text(json.dumps(values))

    assert main(["replay", str(file)]) == 2
    assert (
        "simulation.speed: there is no such setting; leave it out, or give one of seed, arm," in capsys.readouterr().err
    )
