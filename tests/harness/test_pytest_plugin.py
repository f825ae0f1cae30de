"""Scenarios as tests: a run that does not pass fails its test, and says how to replay it."""

import os
import subprocess
import sys

import pytest

CONFTEST = """
import dataclasses
from pathlib import Path

import pytest

from harness.catalogue import scenarios_named
from harness.run import RunOutcome
from harness.verdict import CheckResult, Finding, worst
from harness.workshop import Workshop

ULPS = {"PASS": 9, "FAIL": 10, "VOID": 0}


def outcome(scenario, _workshop):
    word = scenario.title
    checks = (
        CheckResult("equivalence", 7, "fine", (Finding("first divergence: smashed of the bottom"),) * (word == "FAIL"),
                    figures={"tensors": 7, "worst ulp": ULPS[word]}),
        CheckResult("faults", 1, "fired", void_because="drop did not fire" if word == "VOID" else ""),
    )
    return RunOutcome(scenario, Path("runs") / word, worst(check.verdict for check in checks), checks)


@pytest.fixture(autouse=True)
def no_processes(monkeypatch):
    monkeypatch.setattr("harness.run.run_scenario", outcome)


@pytest.fixture(scope="session")
def workshop():
    return Workshop(None, None, None, None, Path("runs"), ("--cold",))


def pytest_configure(config):
    import harness.report.page

    harness.report.page.write_report = lambda folders, path: f"{path} of {[str(folder) for folder in folders]}"
"""
TESTS = """
import dataclasses

import pytest

from harness.catalogue import scenarios_named


@pytest.mark.parametrize("word", ["PASS", "FAIL", "VOID"])
def test_scenario(run_scenario, word):
    (scenario,) = scenarios_named("many")
    run_scenario(dataclasses.replace(scenario.with_seed(42), title=word))
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """One session of pytest with a scenario that passes, one that fails, and one that is void."""
    folder = tmp_path_factory.mktemp("session")
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_scenarios.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--junitxml=junit.xml", "--color=no"]
    environment = {**os.environ, "COLUMNS": "300"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    assert 1 == done.returncode, done.stdout + done.stderr
    return done.stdout, (folder / "junit.xml").read_text()


def test_only_the_scenario_that_passed_passes(session):
    assert "2 failed, 1 passed" in session[0]


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("FAIL", "  equivalence: FAIL: first divergence: smashed of the bottom"),
        ("VOID", "  faults: VOID: drop did not fire"),
    ],
)
def test_one_that_did_not_says_why_and_how_to_replay_it(session, word, problem):
    lines = session[0].splitlines()
    start = lines.index(f"many: {word}")
    told = lines[start : start + 5]
    assert problem in told
    assert "replay: harness run many --seed 42 --cold" in told
    assert f"run: runs/{word}" in told


def test_the_summary_counts_runs_and_tensors_and_the_worst_distance(session):
    (line,) = [line for line in session[0].splitlines() if line.startswith("3 runs, ")]
    assert line.startswith("3 runs, 21 tensors compared, worst ULP 10; report: ")
    assert line.endswith("reports/runs/scenarios.html of ['runs/PASS', 'runs/FAIL', 'runs/VOID']")


def test_the_folder_of_each_run_is_in_the_machine_readable_results(session):
    assert [] == [
        word for word in ("PASS", "FAIL", "VOID") if f'<property name="run" value="runs/{word}"' not in session[1]
    ]
