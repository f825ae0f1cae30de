"""With `--log-format json` every line on standard error is a JSON object, however a run ends."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress

import pytest
from client.runs import fail

from splitlearn.commands import train as train_command

SECONDS = 120
FAILURES = {
    "a trunk that is not there": (["--trunk-address=127.0.0.1:1", "--retry-timeout=0.3"], "OpenSession: "),
    "a bad setting": (["--batch-size=0"], "batch_size = '0'"),
    "two bad settings": (["--batch-size=0", "--threads=0"], "threads = '0'"),
    "an unknown flag": (["--speed=9"], "unrecognized arguments: --speed=9"),
}


def objects(said):
    """Read lines of standard error, each of which must be an object of the log."""
    found = [json.loads(line) for line in said.splitlines()]
    assert all({"time", "level", "message"} <= each.keys() for each in found)
    return found


@pytest.mark.parametrize(("flags", "words"), FAILURES.values(), ids=FAILURES)
def test_a_run_that_fails_ends_with_an_object(settings, flags, words):
    command = [sys.executable, "-m", "splitlearn", "train", *settings, "--log-format", "json", *flags]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    last = objects(ended.stderr)[-1]

    assert (2, "ERROR") == (ended.returncode, last["level"])
    assert words in last["message"]


def test_a_defect_is_an_object_with_its_traceback(splitlearn, settings, monkeypatch):
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(train_command, "load_training_data", lambda _: fail(ZeroDivisionError("a planted bug")))
    status, _, err = splitlearn("train", *settings, "--log-format=json")

    assert 1 == status
    assert "ZeroDivisionError: a planted bug" in objects(err)[-1]["exc_info"]


@pytest.fixture
def terminal():
    """Run a command at a terminal, and stop it when that shows some words; return status and all that is shown."""
    processes = []

    def run(command, words):
        ours, theirs = os.openpty()
        processes.append(process := subprocess.Popen(command, stderr=theirs))
        killer = threading.Timer(SECONDS, process.kill)
        killer.start()
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # a terminal that nobody has open any more ends so
            while piece := os.read(ours, 1 << 16):
                if words not in shown and words in shown + piece:
                    process.send_signal(signal.SIGTERM)
                shown += piece
        os.close(ours)
        killer.cancel()
        return process.wait(SECONDS), shown.decode()

    yield run
    for process in processes:
        process.kill()


def test_a_run_that_is_stopped_at_a_terminal_draws_no_bar(settings, terminal):
    endless = ["--max-steps=5000", "--num-epochs=1000", "--log-interval=1"]
    command = [sys.executable, "-m", "splitlearn", "train", *settings, *endless, "--log-format=json"]
    status, shown = terminal(command, b"step")
    messages = [each["message"] for each in objects(shown)]

    assert 128 + signal.SIGTERM == status
    assert "SIGTERM: stopping after this step; once more stops at once" in messages
    assert messages[-1].startswith("stopped by SIGTERM after ")
