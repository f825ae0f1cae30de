"""The pytest plugin: scenarios as tests.

`run_scenario` runs one and fails the test unless the verdict is PASS; a VOID is a failure that says so. At the end the
session's runs are in one HTML report. Tests marked `full` run with `--full` only; without it they are deselected, and
counted as such.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.run import RunOutcome
    from harness.scenario import Scenario
    from harness.workshop import Workshop

__all__ = [
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_terminal_summary",
    "run_scenario",
    "scenario_parameters",
    "workshop",
]

OUTCOMES = pytest.StashKey["list[RunOutcome]"]()
RUNS = Path("reports/runs")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the harness's options."""
    group = parser.getgroup("harness", "split-learning scenarios")
    group.addoption(
        "--proxy", choices=("auto", "real", "embedded"), default="auto", help="which Toxiproxy server to use"
    )
    group.addoption("--full", action="store_true", help="run the whole of every matrix, not only its quick part")
    group.addoption("--cold", action="store_true", help="start an interpreter for every program instead of forking one")


def pytest_configure(config: pytest.Config) -> None:
    """Make the harness's marker known."""
    config.addinivalue_line("markers", "full: runs with --full only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only a full run is for."""
    if config.getoption("--full"):
        return
    left_out = [item for item in items if item.get_closest_marker("full")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("full")]


def scenario_parameters(scenarios: Iterable["Scenario"], quick: Iterable["Scenario"]) -> list[Any]:
    """Give scenarios as parameters of a test; those that are not quick are marked `full`."""
    names = {scenario.name for scenario in quick}
    return [
        pytest.param(scenario, id=scenario.name, marks=() if scenario.name in names else pytest.mark.full)
        for scenario in scenarios
    ]


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
                f"replay: {workshop.replay(scenario)}",
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
    from harness.recovery import quantile  # noqa: PLC0415 - as above

    recoveries = sorted(seconds for outcome in outcomes for seconds in outcome.recoveries)
    if recoveries:
        middle, late = quantile(recoveries, 0.5), quantile(recoveries, 0.95)
        times = f"p50 {middle:.2f} s, p95 {late:.2f} s, slowest {recoveries[-1]:.2f} s"
        terminalreporter.line(f"{len(recoveries)} faults healed; progress came after {times}")
