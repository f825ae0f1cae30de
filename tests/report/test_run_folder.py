"""Reading run folders: whole, with files missing, and damaged."""

import json
import os

import pytest

from harness.plan.catalogue import CATALOGUE
from harness.plan.scenario_json import SCHEMA, scenario_json
from harness.recording.reader import RunFolderError, find_runs, read_run
from harness.report.faults import fault_spans

OPTIONAL = ["environment.json", "split.jsonl", "reference.jsonl", "trace.jsonl", "equivalence.json", "bytes.json"]


def test_a_whole_run_is_read(tmp_path, write_run):
    run = read_run(write_run(tmp_path / "run"))

    assert run.verdict.verdict == "PASS"
    assert [step.step for step in run.split] == list(range(1, 41))
    assert run.split[0].breakdown is not None
    assert run.scenario.faults[0].at.point == "client.forward.sent"
    assert run.equivalence.rows[0].quantity == "loss"
    assert run.logs[1].name == "trunk.log"
    assert run.logs[1].lines == 99
    assert run.logs[1].tail.splitlines()[0] == "line 60"
    assert run.missing == ()


@pytest.mark.parametrize("name", OPTIONAL)
def test_a_missing_optional_file_is_named(tmp_path, write_run, name):
    folder = write_run(tmp_path / "run")
    (folder / name).unlink()

    assert [missing.file for missing in read_run(folder).missing] == [name]


@pytest.mark.parametrize("name", ["scenario.json", "verdict.json"])
def test_a_folder_that_is_no_run_says_what_to_do(tmp_path, write_run, name):
    folder = write_run(tmp_path / "run")
    (folder / name).unlink()

    with pytest.raises(RunFolderError, match=rf"has no {name}.*harness run"):
        read_run(folder)


def test_a_last_line_that_a_crash_cut_short_is_left_out_and_named(tmp_path, write_run):
    folder = write_run(tmp_path / "run")
    with (folder / "split.jsonl").open("a") as stream:
        stream.write('{"step": 41, "lo')

    run = read_run(folder)

    assert len(run.split) == 40
    assert [missing.file for missing in run.missing] == ["split.jsonl, line 41"]


def test_a_last_line_without_its_newline_is_read(tmp_path, write_run):
    folder = write_run(tmp_path / "run")
    with (folder / "split.jsonl").open("a") as stream:
        stream.write('{"step": 41, "loss": null}')

    assert len(read_run(folder).split) == 41


def test_a_damaged_line_is_named_with_its_number(tmp_path, write_run):
    folder = write_run(tmp_path / "run")
    lines = (folder / "split.jsonl").read_text().splitlines()
    lines[2] = '{"step": "three"}'
    (folder / "split.jsonl").write_text("\n".join(lines) + "\n")

    with pytest.raises(RunFolderError, match=r"split.jsonl, line 3: step: .*integer"):
        read_run(folder)


def test_a_file_that_is_not_json_is_named(tmp_path, write_run):
    folder = write_run(tmp_path / "run")
    (folder / "bytes.json").write_text("{")

    with pytest.raises(RunFolderError, match=r"bytes.json: not JSON"):
        read_run(folder)


def test_runs_are_found_below_a_folder_with_the_newest_last(tmp_path, write_run):
    for name, moment in {"old": 2, "new": 3, "older": 1}.items():
        os.utime(write_run(tmp_path / name) / "verdict.json", (moment, moment))

    assert [folder.name for folder in find_runs(tmp_path)] == ["older", "old", "new"]


def test_planned_faults_are_matched_with_their_injections_in_order(tmp_path, write_run):
    folder = write_run(tmp_path / "run")
    scenario = json.loads((folder / "scenario.json").read_text())
    scenario["faults"] = [{"name": "reset", "at": {"point": "p", "step": step}} for step in (1, 2)]
    (folder / "scenario.json").write_text(json.dumps(scenario))
    events = [("fault.injected", "reset", 1.0), ("fault.healed", "reset", 1.5), ("fault.injected", "surplus", 2.0)]
    (folder / "trace.jsonl").write_text(
        "".join(json.dumps({"t": t, "source": "harness", "point": p, "fault": f}) + "\n" for p, f, t in events)
    )

    spans = fault_spans(read_run(folder))

    assert [(span.name, span.fired, span.planned) for span in spans] == [
        ("reset", True, True),
        ("reset", False, True),
        ("surplus", True, False),
    ]
    assert (spans[0].injected, spans[0].healed) == (1.0, 1.5)


class TestSchemas:
    @pytest.fixture
    def folder(self, tmp_path, write_run):
        return write_run(tmp_path / "run")

    def rewrite(self, folder, **changes):
        scenario = json.loads((folder / "scenario.json").read_text())
        (folder / "scenario.json").write_text(json.dumps({**scenario, **changes}))
        return read_run(folder).scenario

    def test_a_recording_without_a_number_is_read_and_its_link_is_told_as_now(self, folder):
        old = {"name": "lte", "delay_ms": 25.0, "jitter_ms": 10, "bandwidth_kbps": 240_000, "source": "a cell"}
        scenario = self.rewrite(folder, link=old)
        assert (0, 50.0, 30_000.0) == (scenario.schema, scenario.link.round_trip_ms, scenario.link.down_kbps)
        assert (25.0, 240_000.0) == (scenario.link.delay_ms, scenario.link.down_kilobits)

    @pytest.mark.parametrize("link", [{"name": "odd"}, {"name": "odd", "delay_ms": None}, None])
    def test_what_an_old_link_does_not_tell_is_not_told(self, folder, link):
        found = self.rewrite(folder, link=link).link
        assert found is None or (None, None) == (found.delay_ms, found.down_kilobits)

    @pytest.mark.parametrize("scenario", [scenario for group in CATALOGUE.values() for scenario in group[:1]])
    def test_a_recording_of_any_scenario_is_read(self, folder, scenario):
        found = self.rewrite(folder, **scenario_json(scenario))
        assert (SCHEMA, scenario.name, scenario.topology) == (found.schema, found.name, found.topology)
        assert [(f.name, f.kind, f.group, f.detail) for f in scenario.faults] == [
            (f.name, f.kind, f.group, f.detail) for f in found.faults
        ]
        assert (scenario.link.down_delay_ms, scenario.link.up_delay_ms) == (found.link.delay_ms,) * 2

    def test_a_recording_of_a_newer_schema_says_what_to_do(self, folder):
        with pytest.raises(RunFolderError, match=r"is newer than .*; read it with the version that wrote it"):
            self.rewrite(folder, schema=SCHEMA + 1)
