"""The steps of docs/adding-a-*.md work as they are written."""

from pathlib import Path

import pytest

from harness.judging.check import CHECKS
from harness.judging.facts import RunFacts
from harness.oracle.compare import RunFiles
from harness.trace.verdict import Verdict
from splitlearn.wire.errors import CODES


def test_the_scenario_of_the_page_runs(names_of_page, run_scenario):
    outcome = run_scenario(names_of_page("adding-a-scenario.md")["scenario"])

    assert {check.name: check.compared for check in outcome.checks}["faults"] == 1


@pytest.fixture
def no_more_checks():
    """Forget the checks that a page registers."""
    yield
    CHECKS.pop("no_step_was_skipped")


@pytest.mark.usefixtures("no_more_checks")
@pytest.mark.parametrize(
    ("skipped", "verdict"), [([], Verdict.VOID), ([False, False], Verdict.PASS), ([False, True], Verdict.FAIL)]
)
def test_the_check_of_the_page_judges(names_of_page, skipped, verdict):
    nothing = RunFiles((), ())
    scenario = names_of_page("adding-a-scenario.md")["scenario"]
    steps = [{"step": step, "skipped": value} for step, value in enumerate(skipped)]
    facts = RunFacts(scenario, [], "", steps, [], nothing, nothing, None)

    assert verdict == names_of_page("adding-a-check.md")["check_no_step_was_skipped"](facts).verdict


def test_every_reason_of_the_protocol_is_documented():

    page = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()

    undocumented = [reason.value for reason in CODES if reason.value != "TRANSPORT" and f"`{reason.value}`" not in page]

    assert undocumented == []
