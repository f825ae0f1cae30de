"""What other programs read of `harness run`: JUnit XML, the summary of a job on GitHub and its errors."""

import json
import re

import pytest
from junitparser import Error, Failure, JUnitXml
from recordings import record_run, write

from harness.commands.github import tell
from harness.commands.junit import write_junit
from harness.recording.reader import read_run

ENDINGS = ("PASS", "FAIL", "VOID", "ERROR")


@pytest.fixture
def runs(tmp_path):
    """One run of every ending."""
    return [
        read_run(record_run(tmp_path / word, word, word.lower(), f"harness run {word.lower()}")) for word in ENDINGS
    ]


@pytest.fixture
def job(monkeypatch, tmp_path):
    """A step of a job on GitHub; returns its summary."""
    summary = tmp_path / "summary.md"
    summary.write_text("# What others wrote\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    return summary


def test_junit_has_a_case_for_every_run(runs, tmp_path):
    write_junit(runs, tmp_path / "deep" / "junit.xml")
    document = JUnitXml.fromfile(str(tmp_path / "deep" / "junit.xml"))
    (suite,) = document
    passed, failed, void, error = suite
    assert (4, 1, 2) == (document.tests, document.failures, document.errors)
    assert ["pass", "fail", "void", "error"] == [case.name for case in suite]
    assert [] == passed.result
    assert 1.5 == passed.time
    assert [Failure, Error, Error] == [type(case.result[0]) for case in (failed, void, error)]
    assert "first divergence: step 2, microbatch 1, trunk, features [0, 3, 5]" in failed.result[0].text
    assert "replay: harness run fail" in failed.result[0].text
    assert ("VOID", "faults: drop did not fire") == (void.result[0].type, void.result[0].message)
    assert "Traceback (most recent call last):" in error.result[0].text


def test_the_summary_of_a_job_has_a_row_for_every_run(runs, job):
    tell(runs, lambda _: None)
    assert [
        "# What others wrote",
        "| verdict | scenario | what was seen | replay |",
        "|---|---|---|---|",
        "| PASS | pass | 7 of 7 tensors; fired | `harness run pass` |",
        "| FAIL | fail | equivalence: first divergence: features of the trunk | `harness run fail` |",
        "| VOID | void | faults: drop did not fire | `harness run void` |",
        "| ERROR | error | harness: HarnessError: the reference failed | `harness run error` |",
        "",
    ] == job.read_text().splitlines()[:8]


def test_the_summary_of_a_job_has_the_first_divergence_and_the_guilty_rung_below_the_table(runs, job):
    tell(runs, lambda _: None)
    told = job.read_text()
    assert ["FAIL fail", "VOID void", "ERROR error"] == re.findall("<details><summary>(.*)</summary>", told)
    assert (
        "step 2, microbatch 1, trunk, features [0, 3, 5]: split run 0.5, reference 0.25\n"
        "       guilty rung: local (Local trunk)\n"
    ) in told


def test_a_summary_that_cannot_be_written_is_reported_and_ends_nothing(runs, monkeypatch, tmp_path):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "nowhere" / "summary.md"))
    said = []
    tell(runs, said.append)
    assert f"the job's summary, {tmp_path}/nowhere/summary.md, cannot be written: No such file or directory" == said[0]


def test_whatever_characters_a_log_had_the_junit_is_xml(runs, tmp_path):
    folder = record_run(tmp_path / "odd", "FAIL", "odd\x1b[31m")
    verdict = json.loads((folder / "verdict.json").read_text())
    verdict["checks"][0].update(verdict="FAIL", findings=[{"message": "its log ends:\n \x1b[31mboom\x00\ufffe"}])
    write(folder / "verdict.json", verdict)
    write_junit([read_run(folder)], tmp_path / "junit.xml")
    ((case,),) = JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    assert "\\x1b[31mboom\\x00\\ufffe" in case.result[0].text


def test_each_run_that_did_not_pass_is_an_error_of_the_job_on_one_line(runs, job):
    said = []
    tell(runs, said.append)
    assert ["FAIL fail", "VOID void", "ERROR error"] == [line.split("::")[1].partition("=")[2] for line in said]
    assert [] == [line for line in said if "\n" in line]
    assert "%0Areplay: harness run fail%0A" in said[0]


def test_elsewhere_nothing_is_reported(runs, monkeypatch):
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    said = []
    tell(runs, said.append)
    assert [] == said
