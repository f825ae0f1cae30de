"""Runs that measure times run alone."""

import fcntl
import subprocess
import sys
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from harness.engine.quiet import LOCK, TURNSTILE
from harness.engine.run import run_scenario
from harness.judging.judge import Judgement
from harness.plan.catalogue import scenarios_named
from harness.recording.schema import Start
from harness.trace.verdict import Verdict

DEADLINE = 30.0

HOLDER = """
import sys
from pathlib import Path
from harness.engine.quiet import machine_for
folder, name, how = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
def tell(what):
    with (folder / "told").open("a") as told:
        told.write(f"{name} {what}\\n")
    print(what, flush=True)
tell("asks")
with machine_for(folder, alone=how == "alone"):
    tell("runs")
    sys.stdin.readline()
    tell("ends")
"""


@pytest.fixture
def holder(tmp_path):
    """Start a process that says when it may run, and ends when it is told to."""
    started = []

    def start(name, how):
        command = [sys.executable, "-c", HOLDER, str(tmp_path), name, how]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout.readline() == "asks\n"
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_runs_that_measure_nothing_go_side_by_side(holder):
    for name in ("first", "second"):
        assert holder(name, "beside").stdout.readline() == "runs\n"


@pytest.mark.parametrize(("how", "other"), [("alone", "beside"), ("beside", "alone"), ("alone", "alone")])
def test_a_run_that_measures_times_waits_for_others_and_they_for_it(holder, tmp_path, how, other):
    first = holder("first", how)
    assert first.stdout.readline() == "runs\n"
    second = holder("second", other)
    first.stdin.write("\n")
    first.stdin.flush()
    assert second.stdout.readline() == "runs\n"
    told = (tmp_path / "told").read_text().splitlines()
    assert told == ["first asks", "first runs", "second asks", "first ends", "second runs"]


def is_held(path):
    """Return whether others must wait even to run side by side."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_a_later_run_does_not_overtake_one_that_waits_to_be_alone(holder, tmp_path):
    first = holder("first", "beside")
    assert first.stdout.readline() == "runs\n"
    second = holder("second", "alone")
    end = time.monotonic() + DEADLINE
    while not is_held(tmp_path / TURNSTILE):
        assert time.monotonic() < end, "it does not wait"
        threading.Event().wait(0.01)
    third = holder("third", "beside")
    for process, ended in ((second, first), (third, second)):
        ended.stdin.write("\n")
        ended.stdin.flush()
        assert process.stdout.readline() == "runs\n"
    told = [line for line in (tmp_path / "told").read_text().splitlines() if "runs" in line]
    assert told == ["first runs", "second runs", "third runs"]


@pytest.mark.parametrize("timed", [True, False])
def test_whatever_runs_a_scenario_has_the_machine_alone_where_times_are_measured(tmp_path, monkeypatch, timed):
    (scenario,) = scenarios_named("direct")
    held = []

    def judged(*_):
        held.append(is_held(tmp_path / LOCK))
        return Judgement(Verdict.PASS, ())

    monkeypatch.setattr("harness.engine.run._judged", judged)
    testbed = SimpleNamespace(runs=tmp_path, materials=tmp_path, start_seconds=0.0, start=Start(), replay=lambda *_: "")
    run_scenario(replace(scenario, timed=timed), testbed)
    assert [timed] == held
