"""pytest loads the plugin in every project of an environment, so it must not get in any project's way."""

import os
import subprocess
import sys

CONFTEST = """
import pytest


def pytest_addoption(parser):
    for name in ("--full", "--proxy", "--cold"):
        parser.addoption(name, default="theirs")


def pytest_configure(config):
    config.addinivalue_line("markers", "full: theirs")


@pytest.fixture
def testbed():
    return "theirs"


@pytest.fixture
def run_scenario(testbed):
    return testbed
"""
TESTS = """
import pytest


@pytest.mark.full
def test_theirs(request, record_property, run_scenario, testbed):
    record_property("run", "theirs")
    options = {request.config.getoption(name) for name in ("--full", "--proxy", "--cold")}
    assert {"theirs"} == {*options, run_scenario, testbed}
"""
MISSING = """
import sys

sys.modules["matplotlib"] = None


def test_a_scenario(run_scenario):
    run_scenario(None)
"""


def pytest_in(folder, **files):
    for name, content in files.items():
        (folder / f"{name}.py").write_text(content)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--strict-markers", "--color=no"]
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


def test_options_markers_fixtures_and_properties_of_a_project_are_its_own(tmp_path):
    done = pytest_in(tmp_path, conftest=CONFTEST, test_theirs=TESTS)

    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert "deselected" not in done.stdout
    assert "scenarios" not in done.stdout


def test_every_option_says_whose_it_is(pytestconfig):
    parser = pytestconfig._parser
    ours = [option for group in parser._groups if group.name == "harness" for option in group.options]
    assert {"--harness-proxy", "--harness-full", "--harness-cold"} == {
        name for option in ours for name in option.names() if name.startswith("--harness-")
    }


def test_a_scenario_without_the_extra_says_what_to_install(tmp_path):
    done = pytest_in(tmp_path, test_missing=MISSING)

    assert "matplotlib not installed; pip install 'splitlearn[harness]'" in done.stdout
    assert "Traceback" not in done.stdout
    assert 1 == done.returncode
