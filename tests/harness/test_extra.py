"""What a host of a trunk or a client need not install, and what is said where it is missing."""

import ast
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from harness.extra import MODULES

ROOT = Path(__file__).parents[2]
SECONDS = 120
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Modules that only the makers of committed code, or optional parts of the product, import.
# In the standard library of later versions of Python; a distribution has it for the earlier ones.
LATER = {"compression"}
OPTIONAL = {"grpc_tools", "prometheus_client"}


def names(requirements):
    """Return the distributions that requirements name, as an index writes them."""
    return {requirement.partition(">")[0].partition("=")[0].partition("[")[0] for requirement in requirements}


def distributions(module):
    return {name.lower().replace("_", "-") for name in packages_distributions()[module]}


def imported(package):
    """Return the top-level modules that a package's files import."""
    found = set()
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module.partition(".")[0])
    return found - {*sys.stdlib_module_names, *LATER, "splitlearn", "harness"}


def run_without(modules, program):
    """Run a program in an interpreter that has not got some modules."""
    blocked = f"import sys; sys.modules.update(dict.fromkeys({sorted(modules)!r}))\n"
    return subprocess.run(
        [sys.executable, "-c", blocked + program], capture_output=True, text=True, timeout=SECONDS, check=False
    )


def test_the_extra_is_what_is_looked_for():
    extra = PROJECT["optional-dependencies"]["harness"]
    assert names(extra) == {name for module in MODULES for name in distributions(module)}


def test_the_training_system_imports_nothing_of_the_extra():
    assert {*MODULES} & imported("splitlearn") == set()
    base = names(PROJECT["dependencies"])
    assert {module for module in imported("splitlearn") - OPTIONAL if not distributions(module) & base} == set()


def test_the_harness_imports_what_either_brings():
    both = names(PROJECT["dependencies"]) | names(PROJECT["optional-dependencies"]["harness"])
    assert {module for module in imported("harness") if not distributions(module) & both} == set()


def test_the_developers_extra_brings_the_harness():
    assert "splitlearn[harness]" in PROJECT["optional-dependencies"]["dev"]


def test_the_training_system_works_without_the_extra(small_model, tmp_path):
    (tmp_path / "text.txt").write_text("\n".join(f"Line {n} says that {n} and {n} are {n + n}." for n in range(40)))
    settings = [
        f"--model={small_model()}", f"--data={tmp_path / 'text.txt'}", "--data-format=lines", "--vocab-size=300",
        "--max-length=16", "--batch-size=4", "--max-steps=2", "--trunk-address=local", f"--save-dir={tmp_path / 'out'}",
    ]  # fmt: skip
    program = "from splitlearn.commands import certificates, eval, export, generate, health, split, trunk\n"
    program += f"from splitlearn.cli import main; sys.exit(main(['train', *{settings}]))"

    ended = run_without({*MODULES, "harness"}, program)

    assert (0, "2 steps") == (ended.returncode, ended.stdout[:7]), ended.stderr


@pytest.mark.parametrize("words", [["run", "direct"], ["proxy"], ["report"], ["doctor"], ["run", "--help"]])
def test_the_harness_says_in_one_line_what_to_install(words):
    ended = run_without(["matplotlib", "aiohttp"], f"from harness.cli import main; sys.exit(main({words}))")

    assert (2, "") == (ended.returncode, ended.stdout)
    assert f"harness {words[0]}: aiohttp, matplotlib not installed; pip install 'splitlearn[harness]'\n" == ended.stderr


def test_its_help_is_there_without_the_extra():
    ended = run_without(MODULES, "from harness.cli import main; sys.exit(main(['--help']))")

    assert (0, "") == (ended.returncode, ended.stderr)
