"""Help, version and wrong usage of the command line."""

import subprocess
import sys

import pytest

from harness.cli import COMMANDS, main
from harness.plan.catalogue import QUICK


@pytest.mark.parametrize("words", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_is_printed_with_status_0(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert 0 == stopped.value.code
    assert capsys.readouterr().out.startswith("usage: harness")


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert [] == [name for name in COMMANDS if name not in shown]


def test_help_of_run_names_every_scenario(capsys):
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    shown = capsys.readouterr().out
    assert [] == [name for name in QUICK if name not in shown]


@pytest.mark.parametrize("words", [[], ["no-such-command"], ["run", "--no-such-flag"]])
def test_wrong_usage_is_status_2(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert 2 == stopped.value.code
    assert "usage: harness" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["replay", "--help"], ["run", "--help"]])
def test_help_tells_that_a_file_names_modules_to_import(words, capsys):
    with pytest.raises(SystemExit):
        main(words)

    told = " ".join(capsys.readouterr().out.split())
    assert "imports the Python modules that the file names; see docs/security.md" in told


@pytest.mark.parametrize("program", ["harness", "splitlearn"])
def test_each_program_tells_its_version(program):
    told = subprocess.run([sys.executable, "-m", program, "--version"], capture_output=True, text=True, check=True)
    assert told.stdout.startswith(f"{program} 0.")
