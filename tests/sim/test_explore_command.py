"""`harness explore`: what counts as a fault that happened, its exit status, and what is kept of a search."""

import json
import subprocess
import sys

import pytest
from sim.worlds import scenario_of

from harness.cli import main
from harness.plan.faults import DiskFault, DropConnection
from harness.sim import arms
from harness.sim import explore as searching
from harness.sim.case import Case, SimulatedIn
from harness.sim.explore import run_seeds
from harness.sim.findings import Failure, Findings
from harness.trace.place import At
from splitlearn.client.trainer import Trainer

# Armed after the client's last change of its disk, so that it never strikes.
NEVER_STRIKES = DiskFault(At("client.training.finished"), "failed-rename", "client")
DROP = DropConnection(At("client.forward.sent", 2))


@pytest.fixture
def search(monkeypatch, tmp_path):
    """Search in this process; return the exit status and the JSON."""

    def explore(_seconds, seed, arm, _jobs, most, faults):
        yield run_seeds(range(seed, seed + most), arm, faults)

    monkeypatch.setattr(searching, "explore", explore)

    def run(*words):
        found = tmp_path / "found.json"
        status = main(["explore", "--cases", str(tmp_path / "cases"), "--json", str(found), *words])
        return status, json.loads(found.read_text())

    return run


def interrupted_after(findings):
    def explore(*_):
        yield findings
        raise KeyboardInterrupt

    return explore


@pytest.mark.parametrize(("faults", "count"), [((NEVER_STRIKES,), 0), ((DROP,), 1), ((DROP, NEVER_STRIKES), 1)])
def test_a_fault_counts_if_it_showed(faults, count):
    case, findings = Case(scenario_of(*faults), SimulatedIn(1)), Findings()
    outcome = case.run()
    findings.take(case, outcome)

    assert [event.point for event in outcome.events].count("fault.injected") == len(faults)
    assert (findings.planned, findings.faults, findings.met.total()) == (len(faults), count, count)


def test_a_search_in_which_no_fault_showed_is_void(search, monkeypatch):
    monkeypatch.setattr(searching, "case_of", lambda *_: Case(scenario_of(NEVER_STRIKES), SimulatedIn(1)))
    status, found = search("--schedules", "2")

    assert (status, found["verdict"], found["faults that showed"], found["faults planned"]) == (3, "VOID", 0, 2)


def test_a_system_that_fails_without_any_fault_fails_and_is_shown(search, monkeypatch, capsys):
    def fails(*_):
        raise KeyError("no file")

    monkeypatch.setattr(arms, "_expected", arms._expected.__wrapped__)
    monkeypatch.setattr(Trainer, "_save", fails)
    status, found = search("--schedules", "1")

    (failure,) = found["failures"]
    assert (status, found["verdict"], failure["invariant"], failure["faults"]) == (1, "FAIL", "completion", [])
    shown = capsys.readouterr().out
    assert "1 schedule violated an invariant" in shown
    assert "violation: completion: the client ended with KeyError" in shown


@pytest.mark.parametrize(
    ("findings", "verdict"),
    [
        (Findings(schedules=3, faults=4), "VOID"),
        (Findings(schedules=1, faults=4, failures=[Failure(5, "bits", "another bit")]), "FAIL"),
    ],
)
def test_an_interrupted_search_leaves_what_it_has_found(search, monkeypatch, capsys, tmp_path, findings, verdict):
    monkeypatch.setattr(searching, "explore", interrupted_after(findings))
    status, found = search()

    assert (status, found["verdict"], found["interrupted"]) == (130, verdict, True)
    assert (found["schedules"], found["faults that showed"]) == (findings.schedules, 4)
    assert [failure["seed"] for failure in found["failures"]] == [failure.seed for failure in findings.failures]
    counted = "1 schedule;" if findings.schedules == 1 else "3 schedules;"
    assert f"interrupted after {counted} failures: {len(findings.failures)}" in capsys.readouterr().out


def test_a_search_interrupted_while_it_starts_leaves_what_it_has_found(search, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.processes.forked.import_ahead", interrupt)
    status, told = search()

    assert (status, told["verdict"], told["interrupted"], told["schedules"]) == (130, "VOID", True, 0)


def test_what_tells_of_a_search_is_there_long_before_the_search():
    imported = "import sys, harness.commands.exploration; print({'torch', 'greenlet'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", imported], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_search_interrupted_while_it_shrinks_leaves_what_it_has_found(search, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    found = Findings(schedules=50, faults=4, failures=[Failure(5, "bits", "another bit")])
    monkeypatch.setattr(searching, "explore", lambda *_: iter([found]))
    monkeypatch.setattr("harness.sim.shrink.shrink", interrupt)
    status, told = search()

    assert (status, told["verdict"], told["failed"]) == (130, "FAIL", 1)
    assert told["failures"] == [{"seed": 5, "invariant": "bits", "message": "another bit"}]


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1"])
def test_a_search_takes_a_number_of_seconds(seconds, capsys):
    assert main(["explore", "--seconds", seconds]) == 2
    assert "--seconds" in capsys.readouterr().err


def test_a_folder_that_takes_no_cases_is_refused_before_anything_is_run(search, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(searching, "explore", lambda *_: pytest.fail("it has begun"))
    (tmp_path / "file").touch()

    assert main(["explore", "--cases", str(tmp_path / "file")]) == 2
    assert f"nothing can be written to {tmp_path / 'file'}" in capsys.readouterr().err
