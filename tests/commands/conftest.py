import re
import signal
import subprocess
import sys
import threading

import pytest

from splitlearn.cli import main

SECONDS = 120


@pytest.fixture(autouse=True)
def private_folder(tmp_path, monkeypatch):
    """Commands write below the current folder; caches stay out of the user's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def text(tmp_path):
    """A text of forty lines."""
    path = tmp_path / "text.txt"
    path.write_text("\n".join(f"Line {n} says that {n} and {n} are {n + n}." for n in range(40)))
    return path


@pytest.fixture
def settings(small_model, text):
    """The flags of a run that takes well under a second."""
    return [
        f"--model={small_model()}", f"--data={text}", "--data-format=lines", "--vocab-size=300", "--max-length=16",
        "--batch-size=4", "--max-steps=4", "--trunk-address=local",
    ]  # fmt: skip


@pytest.fixture
def splitlearn(capsys):
    """Run a command in this process; return exit status, standard output and standard error."""

    def run(*words):
        capsys.readouterr()
        try:
            status = main([str(word) for word in words])
        except SystemExit as error:
            status = error.code
        written = capsys.readouterr()
        return status, written.out, written.err

    return run


class TrunkProgram:
    """`splitlearn trunk` as a separate process."""

    def __init__(self, *words):
        command = [sys.executable, "-m", "splitlearn", "trunk", "--port=0", *map(str, words)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        killer = threading.Timer(SECONDS, self.process.kill)
        killer.start()
        try:
            line = self.process.stdout.readline()
        finally:
            killer.cancel()
        found = re.fullmatch(r"trunk listening on ((?:127\.0\.0\.1|0\.0\.0\.0):\d+)\n", line)
        assert found, line + self.process.stderr.read()
        self.address = found[1]

    def stop(self, number=signal.SIGTERM):
        """Send a signal and wait; return exit status, and what was written since the start."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out, err


@pytest.fixture
def start_trunk():
    programs = []

    def start(*words):
        programs.append(TrunkProgram(*words))
        return programs[-1]

    yield start
    for program in programs:
        if program.process.poll() is None:
            program.process.kill()
        program.process.communicate(timeout=SECONDS)
