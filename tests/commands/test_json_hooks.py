"""With JSON logs, what ends a thread or fails in a destructor is an object on standard error too."""

import json
import logging
import sys
import threading

import pytest

from splitlearn.complaints import write_logs


class FailsInTheEnd:
    """Fails where nobody can catch it."""

    def __del__(self):
        raise ZeroDivisionError("a planted bug")


def fail():
    raise ZeroDivisionError("a planted bug")


def thread_that_fails():
    thread = threading.Thread(target=fail, name="planted")
    thread.start()
    thread.join()


@pytest.fixture
def logs(monkeypatch, capsys):
    """Start the log of a program; return where to read standard error."""

    def start(*, as_json):
        # All three are pytest's own while a test runs.
        monkeypatch.setattr(logging.root, "handlers", [])
        monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
        monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
        write_logs(as_json=as_json)
        return capsys

    yield start
    logging.captureWarnings(False)


@pytest.mark.parametrize(
    ("happen", "where"), [(thread_that_fails, "planted"), (FailsInTheEnd, "FailsInTheEnd.__del__")]
)
def test_an_exception_that_nobody_catches_is_one_object(logs, happen, where):
    said = logs(as_json=True)
    happen()
    (found,) = map(json.loads, said.readouterr().err.splitlines())

    assert "CRITICAL" == found["level"]
    assert where in found["message"]
    assert "ZeroDivisionError: a planted bug" in found["exc_info"]


def test_a_thread_that_is_told_to_exit_says_nothing(logs):
    said = logs(as_json=True)
    thread = threading.Thread(target=sys.exit)
    thread.start()
    thread.join()

    assert [] == said.readouterr().err.splitlines()


def test_without_json_it_is_a_traceback_as_ever(logs):
    said = logs(as_json=False)
    thread_that_fails()

    assert "Traceback (most recent call last):" in said.readouterr().err.splitlines()
