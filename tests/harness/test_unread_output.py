"""Output that nobody reads, or that is closed, is no error of a command."""

import os
import signal
import subprocess
import sys

import pytest

from harness.cli import main


@pytest.mark.parametrize("words", [["run", "--list"], ["run", "--list", "many"], ["doctor"]])
def test_output_that_nobody_reads_ends_a_command_quietly(words):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as nobody:
        done = subprocess.run(
            [sys.executable, "-m", "harness", *words], stdout=nobody, stderr=subprocess.PIPE, check=False
        )

    assert (128 + signal.SIGPIPE, b"") == (done.returncode, done.stderr)


def test_any_other_broken_pipe_is_told(monkeypatch, capsys):
    def broken(_flags):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("harness.commands.doctor.run", broken)
    assert 2 == main(["doctor"])
    assert "harness doctor: [Errno 32] Broken pipe" in capsys.readouterr().err


def test_output_of_the_system_that_nobody_reads_ends_it_quietly(tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    words = ["certificates", "--out", str(tmp_path / "secrets"), "--host", "trunk.example"]
    with os.fdopen(writing, "w") as nobody:
        done = subprocess.run(
            [sys.executable, "-m", "splitlearn", *words], stdout=nobody, stderr=subprocess.PIPE, check=False
        )

    assert (128 + signal.SIGPIPE, b"") == (done.returncode, done.stderr)


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-"])
@pytest.mark.parametrize("words", [["harness", "run", "--list"], ["splitlearn", "certificates", "--out", "secrets"]])
def test_closed_output_is_no_error(words, closed, tmp_path):
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", *words]
    done = subprocess.run(shell, cwd=tmp_path, capture_output=True, check=False)

    assert (0, b"", b"") == (done.returncode, done.stdout, done.stderr)
