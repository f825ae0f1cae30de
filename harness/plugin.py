"""The pytest plugin: scenarios as tests.

`run_scenario` runs one and fails the test unless the verdict is PASS; a VOID is a failure that says so. At the end, all
runs of the session are in one HTML report, with pytest-xdist too: a test's report carries the folders of its runs, and
everything else is read from there. Tests marked `harness_full` run with `--harness-full` only; without it
they are deselected, and counted as such.

pytest loads this in every project of an environment, so everything that it adds has a name that begins with `harness`,
except `run_scenario`, which a project may define for itself.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import UnusableError
from harness.extra import must_be_installed

if TYPE_CHECKING:
    from harness.engine.run import RunOutcome
    from harness.engine.testbed import Testbed
    from harness.plan.scenario import Scenario

__all__ = [
    "add_options",
    "harness_testbed",
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "run_scenario",
    "scenario_parameters",
]

RUNS = Path("reports/runs")
# The property of a test that names the folder of a run.
RUN = "harness_run"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the harness's options."""
    group = parser.getgroup("harness", "split-learning scenarios")
    add_options(group.addoption, "--harness-")


def add_options(add: Callable[..., None], prefix: str) -> None:
    """Add the options by names that begin with a prefix; a project whose own they are may prefer shorter ones.

    Args:
        add: `addoption` of a parser or of a group.
        prefix: of each option, such as `--`.
    """
    add(
        f"{prefix}proxy",
        dest="harness_proxy",
        choices=("auto", "real", "embedded"),
        default="auto",
        help="which Toxiproxy server to use",
    )
    add(
        f"{prefix}full",
        dest="harness_full",
        action="store_true",
        help="run the whole of every matrix, not only its quick part",
    )
    add(
        f"{prefix}cold",
        dest="harness_cold",
        action="store_true",
        help="start an interpreter for every program instead of forking one",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the harness's marker, and listen for finished tests."""
    config.addinivalue_line("markers", "harness_full: runs with --harness-full only")
    config.pluginmanager.register(SessionReport(config.rootpath / RUNS / "scenarios.html"))


class SessionReport:
    """Gathers the folders of the session's runs and writes their report; with pytest-xdist, in its controller."""

    def __init__(self, page: Path) -> None:
        self._page = page
        self._folders: list[Path] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a finished test's runs."""
        if report.when == "teardown":  # every phase's report has the properties
            self._folders += [Path(str(value)) for name, value in report.user_properties if name == RUN]

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:  # noqa: ANN401 - pytest does not export it
        """Write the report and print where it is."""
        if not self._folders:
            return
        from harness.recording.reader import read_run  # noqa: PLC0415 - most sessions run no scenario
        from harness.report.page import write_page  # noqa: PLC0415 - as above
        from harness.report.summary import summary  # noqa: PLC0415 - as above

        runs = [read_run(folder) for folder in self._folders]
        terminalreporter.section("scenarios")
        for line in summary(runs):
            terminalreporter.line(line)
        terminalreporter.line(f"report: {write_page(runs, self._page)}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what is only for a full run."""
    if config.getoption("harness_full"):
        return
    left_out = [item for item in items if item.get_closest_marker("harness_full")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("harness_full")]


def scenario_parameters(scenarios: Iterable["Scenario"], quick: Iterable["Scenario"]) -> list[Any]:
    """Return scenarios as parameters of a test; those that are not quick are marked `harness_full`."""
    names = {scenario.name for scenario in quick}
    return [
        pytest.param(scenario, id=scenario.name, marks=() if scenario.name in names else pytest.mark.harness_full)
        for scenario in scenarios
    ]


@pytest.fixture(scope="session")
def harness_testbed(pytestconfig: pytest.Config) -> "Iterator[Testbed]":
    """Provide one fork server, proxy server and set of references for all scenarios of the session."""
    try:
        must_be_installed()
        from harness.engine.testbed import open_testbed  # noqa: PLC0415 - most sessions run no scenario
        from harness.proxy.server_process import find_backend  # noqa: PLC0415 - as above

        backend, cold = find_backend(pytestconfig.getoption("harness_proxy")), pytestconfig.getoption("harness_cold")
        flags = replayed_flags(pytestconfig)
        with open_testbed(pytestconfig.rootpath / RUNS, backend, cold=cold, flags=flags) as opened:
            yield opened
    except UnusableError as error:
        pytest.fail(str(error), pytrace=False)


def replayed_flags(config: pytest.Config) -> tuple[str, ...]:
    """Return the flags that `harness run` must be given to do a run in the same way."""
    proxy, cold = config.getoption("harness_proxy"), config.getoption("harness_cold")
    return (*(("--proxy", proxy) if proxy != "auto" else ()), *(("--cold",) if cold else ()))


@pytest.fixture
def run_scenario(harness_testbed: "Testbed", request: pytest.FixtureRequest) -> "Callable[[Scenario], RunOutcome]":
    """Run a scenario; fail the test unless it passes."""
    from harness.commands.telling import details, line  # noqa: PLC0415 - most sessions run no scenario
    from harness.engine.run import run_scenario as run  # noqa: PLC0415 - as above
    from harness.recording.reader import read_run  # noqa: PLC0415 - as above
    from harness.trace.verdict import Verdict  # noqa: PLC0415 - as above

    def run_and_require(scenario: "Scenario") -> "RunOutcome":
        try:
            outcome = run(scenario, harness_testbed)
        except UnusableError as error:
            pytest.fail(str(error), pytrace=False)
        # Not by `record_property`, which warns about every JUnit family except the old one.
        request.node.user_properties.append((RUN, str(outcome.folder)))
        if outcome.verdict is not Verdict.PASS:
            recorded = read_run(outcome.folder)
            pytest.fail("\n".join((line(recorded), *details(recorded))), pytrace=False)
        return outcome

    return run_and_require
