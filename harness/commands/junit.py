"""Writes verdicts as JUnit XML, which every CI system reads."""

from collections.abc import Sequence
from pathlib import Path

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from harness.commands.telling import details, line, reading
from harness.recording.reader import RunFolder
from harness.report.reading import word
from splitlearn.wire.words import printable

__all__ = ["write_junit"]


def write_junit(runs: Sequence[RunFolder], path: Path) -> None:
    """Write one test case per run; VOID is an error, because it shows nothing either way."""
    suite = TestSuite("harness run")
    suite.add_testcases([_case(run) for run in runs])
    document = JUnitXml("harness run")
    document.add_testsuite(suite)
    path.parent.mkdir(parents=True, exist_ok=True)
    document.write(str(path), pretty=True)


def _case(run: RunFolder) -> TestCase:
    case = TestCase(_allowed(run.scenario.name), classname="harness.run", time=run.verdict.seconds or 0.0)
    if run.verdict.verdict != "PASS":
        kind = Failure if run.verdict.verdict == "FAIL" else Error
        result = kind(_allowed(reading(run)), word(run))
        result.text = _allowed("\n".join((line(run), *details(run))))
        case.result = [result]
    return case


def _allowed(text: str) -> str:
    """Return the text with only characters that XML allows."""
    return "\n".join(map(printable, text.splitlines()))
