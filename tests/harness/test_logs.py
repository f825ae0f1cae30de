"""The check of logs: a traceback is a defect, also in a run that went on."""

from dataclasses import replace

import pytest
from hand_made_facts import facts

from harness.judging.checks.logs import check_logs
from harness.judging.crashes import crashes_in
from harness.judging.judge import ALWAYS
from harness.trace.verdict import Verdict

TRACEBACK = """\
12:00:00 INFO training
Traceback (most recent call last):
  File "client.py", line 3, in step
    message.norms
AttributeError: 'NoneType' object has no attribute 'norms'
12:00:01 INFO going on
"""


@pytest.fixture
def logs(tmp_path):
    def write(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.log").write_text(text)
        return replace(facts(), crashes=crashes_in(tmp_path))

    return write


def test_logs_without_a_crash_pass(logs):
    result = check_logs(logs(client="12:00:00 INFO the trunk refused: Traceback is a word\n", trunk=""))
    assert (Verdict.PASS, 2) == (result.verdict, result.compared)


def test_a_traceback_fails_and_is_reported_by_its_place_and_its_error(logs):
    result = check_logs(logs(client="fine\n", trunk=TRACEBACK))
    assert Verdict.FAIL is result.verdict
    assert ["trunk.log, line 2: AttributeError: 'NoneType' object has no attribute 'norms'"] == [
        finding.message for finding in result.findings
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Fatal Python error: Aborted",
        "E0000 http2_status.h:41] Check failed: UNREACHABLE",
        "terminate called after throwing an instance of 'c10::Error'",
        "Exception in thread probe:",
        "Exception ignored in: <function Channel.__del__ at 0x7f>",
    ],
)
def test_other_words_of_a_crash_fail_too(logs, line):
    assert Verdict.FAIL is check_logs(logs(client=f"fine\n{line}\n")).verdict


def test_a_traceback_that_was_cut_off_is_one_all_the_same(logs):
    result = check_logs(logs(client="Traceback (most recent call last):\n"))
    assert "Traceback" in result.findings[0].message


def test_a_run_without_logs_shows_nothing(logs):
    assert Verdict.VOID is check_logs(logs()).verdict


def test_every_run_is_held_to_it():
    assert "logs" in ALWAYS
