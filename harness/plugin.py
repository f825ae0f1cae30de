"""The pytest plugin: scenarios as tests.

`run_scenario` runs one and fails the test unless the verdict is PASS; a VOID is a failure that says so. At the end the
session's runs are in one HTML report.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.run import RunOutcome
    from harness.scenario import Scenario
    from harness.workshop import Workshop

__all__ = ["pytest_addoption", "pytest_terminal_summary", "run_scenario", "workshop"]

OUTCOMES = pytest.StashKey["list[RunOutcome]"]()
RUNS = Path("reports/runs")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the harness's options."""
    group = parser.getgroup("harness", "split-learning scenarios")
    group.addoption(
        "--proxy", choices=("auto", "real", "embedded"), default="auto", help="which Toxiproxy server to use"
    )
    group.addoption("--cold", action="store_true", help="start an interpreter for every program instead of forking one")


@pytest.fixture(scope="session")
def workshop(pytestconfig: pytest.Config) -> "Iterator[Workshop]":
    """One fork server, proxy server and set of references for all scenarios of the session."""
    from harness.proxy.server_process import find_backend  # noqa: PLC0415 - most sessions run no scenario
    from harness.workshop import open_workshop  # noqa: PLC0415 - as above

    backend = find_backend(pytestconfig.getoption("--proxy"))
    runs = pytestconfig.rootpath / RUNS
    with open_workshop(runs, backend, cold=pytestconfig.getoption("--cold")) as opened:
        yield opened


@pytest.fixture
def run_scenario(
    workshop: "Workshop", pytestconfig: pytest.Config, record_property: Callable[[str, object], None]
) -> "Callable[[Scenario], RunOutcome]":
    """Run a scenario; fails the test unless it passes."""
    from harness.run import run_scenario as run  # noqa: PLC0415 - most sessions run no scenario
    from harness.verdict import Verdict  # noqa: PLC0415 - as above

    def run_and_require(scenario: "Scenario") -> "RunOutcome":
        outcome = run(scenario, workshop)
        pytestconfig.stash.setdefault(OUTCOMES, []).append(outcome)
        record_property("run", str(outcome.folder))
        if outcome.verdict is not Verdict.PASS:
            problems = [f"  {check.name}: {check.verdict.value}: {check.reading}" for check in outcome.checks]
            lines = [
                f"{scenario.name}: {outcome.verdict.value}",
                *problems,
                f"replay: {scenario.replay}",
                f"run: {outcome.folder}",
            ]
            pytest.fail("\n".join(lines), pytrace=False)
        return outcome

    return run_and_require


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:  # noqa: ANN401 - pytest does not export it
    """Write the report of the session's scenarios and say where it is."""
    outcomes = config.stash.get(OUTCOMES, [])
    if not outcomes:
        return
    from harness.report.page import write_report  # noqa: PLC0415 - most sessions run no scenario

    path = write_report([outcome.folder for outcome in outcomes], config.rootpath / RUNS / "scenarios.html")
    figures = [dict(check.figures) for outcome in outcomes for check in outcome.checks if check.name == "equivalence"]
    tensors = sum(int(found["tensors"]) for found in figures if "tensors" in found)
    ulps = [found["worst ulp"] for found in figures if "worst ulp" in found]
    # A text says that something was not finite, which is worse than any number.
    worst = max(ulps, key=lambda ulp: math.inf if isinstance(ulp, str) else ulp, default="none")
    terminalreporter.section("scenarios")
    terminalreporter.line(f"{len(outcomes)} runs, {tensors} tensors compared, worst ULP {worst}; report: {path}")
