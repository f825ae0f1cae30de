"""Naming and listing scenarios imports no torch, gRPC or other heavy library."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import harness

ROOT = Path(__file__).parents[2]
LIBRARIES = {"aiohttp", "google", "grpc", "hypothesis", "matplotlib", "numpy", "torch", "transformers"}
# pytest, which every file of scenarios imports, brings it.
HEAVY = {*LIBRARIES, "subprocess"}
HELP_CPU_SECONDS = 0.3


def loaded_by(program):
    """Return the top-level modules that a program has loaded at its end, in an interpreter of its own."""
    told = f"import atexit, sys\natexit.register(lambda: print(*sys.modules, file=sys.stderr))\n{program}"
    ended = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, cwd=ROOT)
    return {name.partition(".")[0] for name in ended.stderr.split()}


def cpu_seconds(*command):
    """Return what a program uses of the processor, which is the same beside other programs on the machine."""
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=silent)
    _, status, used = os.wait4(pid, 0)
    assert 0 == os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime


def test_what_a_project_of_ones_own_writes_loads_nothing_heavy():
    names = "At, CheckResult, Event, Fault, Finding, LinkProfile, Scenario, TrainingConfig, register_check"

    assert loaded_by(f"from harness import {names}") & HEAVY == set()


@pytest.mark.parametrize("name", harness.__all__)
def test_every_public_name_is_there(name):
    assert name == getattr(harness, name).__name__


def test_a_name_that_is_not_public_is_no_attribute():
    with pytest.raises(AttributeError, match="no attribute 'Scenarios'"):
        harness.__getattr__("Scenarios")


@pytest.mark.parametrize(
    "module", ["harness.cli", "harness.plan.scenario", "harness.plan.catalogue", "harness.plan.selection"]
)
def test_what_names_scenarios_loads_nothing_heavy(module):
    loaded = loaded_by(f"import {module}")

    assert loaded & HEAVY == set()
    assert "harness" in loaded


@pytest.mark.parametrize("file", sorted(path.stem for path in (ROOT / "scenarios").glob("*.py")))
def test_a_file_of_scenarios_loads_no_library_of_a_run(file):
    loaded = loaded_by(f"sys.path.insert(0, 'scenarios')\nimport {file}")

    # A scenario of properties is written with it.
    assert loaded & LIBRARIES == ({"hypothesis"} if file == "test_properties" else set())
    assert file in loaded


LISTS = (["run", "--list"], ["run", "--list", "many"])


@pytest.mark.parametrize(
    "words", [["--help"], *([command, "--help"] for command in ("bench", "compare", "run")), *LISTS]
)
def test_help_and_lists_load_nothing_heavy(words):
    loaded = loaded_by(f"from harness.cli import main\nsys.exit(main({words}))")

    assert loaded & HEAVY == set()
    assert "harness" in loaded


def test_help_answers_at_once():
    assert HELP_CPU_SECONDS >= min(cpu_seconds(sys.executable, "-m", "harness", "--help") for _ in range(3))
