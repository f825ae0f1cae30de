"""A run reports its steps, whatever state its output files are in."""

import json
import logging
import os
import sys
import termios
from contextlib import suppress

import pytest

from splitlearn.client.logbook import open_logbook
from splitlearn.client.report import StepReport
from splitlearn.runtime.disk import SystemDisk


def report_of(step, *, skipped=False):
    return StepReport(step, 2.5, 0.1, 1.0, 30, 40, skipped, 0.5, {"top": 0.1})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics.jsonl"


@pytest.mark.parametrize("left", ["{}\n", "", '{"step": 0}\n{"step": 1, "lo', '{"ste'])
def test_a_torn_last_line_swallows_no_record(path, left):
    path.write_text(left)
    with open_logbook(SystemDisk(), path, 1, 3, 1) as logbook:
        logbook.enter(report_of(1), 0)

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert left.count("\n") + 1 == len(lines)
    assert lines[-1]["step"] == 1


def test_what_is_not_a_terminal_gets_lines_with_what_was_skipped_and_no_bar(path, caplog, capsys):
    caplog.set_level(logging.INFO)
    with open_logbook(SystemDisk(), path, 0, 4, 2) as logbook:
        for step in range(4):
            logbook.enter(report_of(step, skipped=step == 1), min(step, 1))

    assert ["step 1 of 4: loss 2.5000, lr 1.00e-01, tok_s 60", 1, 1] == [
        caplog.messages[0], *("skipped 1" in line for line in caplog.messages[1:])
    ]  # fmt: skip
    assert ("", "") == capsys.readouterr()


def test_a_terminal_gets_a_bar_with_what_was_skipped_and_no_colours(path, monkeypatch):
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 200))
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with open_logbook(SystemDisk(), path, 0, 1, 1) as logbook:
            logbook.enter(report_of(0, skipped=True), 1)
    shown = b""
    with suppress(OSError):  # a terminal that nobody has open any more ends so
        while piece := os.read(ours, 1 << 16):
            shown += piece
    os.close(ours)

    assert b"skipped=1" in shown
    assert b"\x1b[" not in shown, "also without NO_COLOR there are none"
