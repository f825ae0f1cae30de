"""The folder of a run: always a fresh one, readable by everybody, even when the run was cut off."""

import json
import math
import subprocess
from pathlib import Path

import pytest

from harness.plan.scenario import Scenario
from harness.recording.plan import Plan
from harness.recording.schema import Start
from harness.recording.writer import RunWriter, json_text, read_lines
from harness.trace.event import Event
from splitlearn.config import TrainingConfig

SCENARIO = Scenario("by-hand", "Made by hand", TrainingConfig())
PLAN = Plan(SCENARIO, Start())


@pytest.fixture
def writer(tmp_path):
    made = RunWriter(tmp_path / "runs", PLAN)
    yield made
    made.close()


def test_two_runs_of_one_second_have_two_folders(tmp_path):
    writers = [RunWriter(tmp_path, PLAN) for _ in range(3)]
    for made in writers:
        made.close()
    assert 3 == len({made.folder for made in writers})


def test_the_scenario_is_written_before_anything_runs(writer):
    written = json.loads((writer.folder / "scenario.json").read_text())
    assert ("by-hand", "proxy", [*SCENARIO.checks]) == (written["name"], written["topology"], written["checks"])
    assert SCENARIO.config == TrainingConfig.parse(written["config"])


def test_an_event_after_the_end_is_not_written(writer):
    event = Event(0, 0.0, "client", "client", "client.step.started", 0, None, {})
    writer.event(event)
    writer.close()
    writer.event(event)
    assert [event.as_json()] == read_lines(writer.folder / "trace.jsonl")


@pytest.mark.parametrize(
    ("value", "written"),
    [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf"), (0.1, 0.1), (True, True), (None, None), ("a", "a")],
)
def test_numbers_that_json_has_no_form_for_stand_as_words(value, written):
    text = json_text({"alone": value, "within": [{"deep": (value,)}]})
    assert {"alone": written, "within": [{"deep": [written]}]} == json.loads(text)
    assert "NaN" not in text


class TestLines:
    lines = '{"step": 0, "parts": {"top": 1.0}}\n{"step": 1, "parts": {"top": 2.0}}\n'

    def test_every_line_is_read(self, tmp_path):
        (tmp_path / "lines").write_text(self.lines)
        assert [0, 1] == [line["step"] for line in read_lines(tmp_path / "lines")]

    @pytest.mark.parametrize("cut", [2, 3, 10, 30])
    def test_a_last_line_that_was_cut_off_is_left_out(self, tmp_path, cut):
        (tmp_path / "lines").write_text(self.lines[:-cut])
        assert [0] == [line["step"] for line in read_lines(tmp_path / "lines")]

    def test_no_file_has_no_lines(self, tmp_path):
        assert [] == read_lines(tmp_path / "none")
        (tmp_path / "empty").touch()
        assert [] == read_lines(tmp_path / "empty")


def test_the_environment_names_the_commit_that_runs(writer):
    git = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short=12", "HEAD"]
    head = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    writer.write_environment(SCENARIO, None)
    written = json.loads((writer.folder / "environment.json").read_text())
    assert head == written["commit"].partition("+")[0]
