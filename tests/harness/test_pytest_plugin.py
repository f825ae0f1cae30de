"""Scenarios as tests: a run that does not pass fails its test, and says how to replay it."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

# Stands in for what runs scenarios, so that no process of the session waits for torch.
CONFTEST = """
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from recordings import record_run, write

from harness.errors import ScenarioError
from harness.trace.verdict import Verdict


def run_scenario(scenario, testbed):
    word = scenario.title
    if word == "REFUSED":
        raise ScenarioError("run it with --sim")
    folder = record_run(Path("runs") / word, word, scenario.name, testbed.replay(scenario, Path("runs") / word))
    write(folder / "scenario.json", {"name": scenario.name, "faults": [{"name": "drop"}]})
    trace = (
        '{"t": 1.0, "source": "harness", "point": "fault.injected", "fault": "drop"}',
        '{"t": 2.0, "source": "harness", "point": "fault.healed", "fault": "drop"}',
        '{"t": 2.5, "source": "client", "point": "client.forward.received"}',
    )
    (folder / "trace.jsonl").write_text("".join(line + chr(10) for line in trace))
    return SimpleNamespace(folder=folder, verdict=Verdict("VOID" if word == "ERROR" else word))


sys.modules["harness.engine.run"] = SimpleNamespace(run_scenario=run_scenario)


@dataclass(frozen=True)
class Testbed:
    flags: tuple[str, ...] = ("--cold",)

    def replay(self, scenario, folder):
        return " ".join((f"harness replay {folder}", *self.flags))


@pytest.fixture(scope="session")
def harness_testbed():
    return Testbed()
"""
TESTS = """
import dataclasses

import pytest

from harness.plan.catalogue import scenarios_named


@pytest.mark.parametrize("word", ["PASS", "FAIL", "VOID", "ERROR", "REFUSED"])
def test_scenario(run_scenario, word):
    (scenario,) = scenarios_named("many")
    run_scenario(dataclasses.replace(scenario.with_seed(42), title=word))
"""


@pytest.fixture(scope="module", params=[(), ("-n", "2")], ids=["one process", "two workers"])
def session(request, tmp_path_factory):
    """One session of pytest with a scenario of every ending."""
    folder = tmp_path_factory.mktemp("session")
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_scenarios.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    flags = ["-p", "no:cacheprovider", "--harness-cold", "--junitxml=junit.xml", "--color=no", *request.param]
    paths = (str(Path(__file__).parent), os.environ.get("PYTHONPATH"))
    environment = {**os.environ, "COLUMNS": "300", "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-m", "pytest", *flags]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    assert 1 == done.returncode, done.stdout + done.stderr
    return SimpleNamespace(folder=folder, lines=done.stdout.splitlines(), junit=(folder / "junit.xml").read_text())


def test_only_the_scenario_that_passed_passes(session):
    assert "4 failed, 1 passed" in session.lines[-1]


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("FAIL", "equivalence: first divergence: features of the trunk"),
        ("VOID", "faults: drop did not fire"),
        ("ERROR", "harness: HarnessError: the reference failed"),
    ],
)
def test_a_scenario_that_did_not_pass_says_why_and_how_to_replay_it(session, word, problem):
    start = session.lines.index(f"{word:5}  many  {problem}")
    length = next(number for number, line in enumerate(session.lines[start:]) if line.startswith("       run: "))
    told = session.lines[start : start + length + 1]
    assert f"       replay: harness replay runs/{word} --cold" in told
    assert f"       run: runs/{word}" in told
    assert ("       Traceback (most recent call last):" in told) == (word == "ERROR")


def test_a_scenario_that_is_refused_says_what_to_do_without_a_traceback(session):
    assert "run it with --sim" in session.lines
    assert not any("ScenarioError" in line for line in session.lines)


def test_one_summary_counts_runs_and_tensors_and_the_worst_distance_and_the_recoveries(session):
    (start,) = [number for number, line in enumerate(session.lines) if line.startswith("4 runs (")]
    ends, _, compared = session.lines[start].partition(")")
    assert {"1 PASS", "1 FAIL", "1 VOID", "1 ERROR"} == {*ends.removeprefix("4 runs (").split(", ")}
    assert [
        ", 21 tensors compared, worst ULP 0",
        "4 faults healed; progress came after p50 0.50 s, p95 0.50 s, slowest 0.50 s",
        f"report: {session.folder / 'reports/runs/scenarios.html'}",
    ] == [compared, *session.lines[start + 1 : start + 3]]


def test_one_report_has_every_run(session):
    page = (session.folder / "reports/runs/scenarios.html").read_text()
    assert "FAIL · 4 runs" in page


def test_the_folder_of_each_run_is_in_the_machine_readable_results(session):
    words = ("PASS", "FAIL", "VOID", "ERROR")
    assert [] == [word for word in words if f'<property name="harness_run" value="runs/{word}"' not in session.junit]
