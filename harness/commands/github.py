"""GitHub Actions output: a table in the job's summary, and an error for each run that did not pass."""

import os
import re
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from harness.commands.telling import details, reading
from harness.recording.reader import RunFolder
from harness.report.reading import word

__all__ = ["tell"]

SUMMARY, ACTIONS = "GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS"


def tell(runs: Sequence[RunFolder], say: Callable[[str], None]) -> None:
    """Write summary and errors if a job's variables are set."""
    summary = os.environ.get(SUMMARY)
    if summary:
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(_table(runs) + "".join(map(_details, runs)))
        except OSError as error:  # a missing table must not cost the verdict
            say(f"the job's summary, {summary}, cannot be written: {error.strerror}")
    if os.environ.get(ACTIONS) == "true":
        for run in runs:
            if run.verdict.verdict != "PASS":
                say(_error(run))


def _table(runs: Sequence[RunFolder]) -> str:
    rows = (
        f"| {word(run)} | {_cell(run.scenario.name)} | {_cell(reading(run))} | `{_cell(run.verdict.replay)}` |\n"
        for run in runs
    )
    return "| verdict | scenario | what was seen | replay |\n|---|---|---|---|\n" + "".join(rows) + "\n"


def _details(run: RunFolder) -> str:
    """Return everything that is wrong with a run, as a block below the table; empty for one that passed."""
    told = details(run)
    if not told:
        return ""
    fence = "`" * (1 + max(map(len, re.findall("`+", "\n".join(told))), default=2))
    heading = f"<summary>{word(run)} {escape(run.scenario.name)}</summary>"
    return "\n".join((f"<details>{heading}", "", fence, *told, fence, "", "</details>", "", ""))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _error(run: RunFolder) -> str:
    """Return a workflow command, with special characters escaped."""
    title = f"{word(run)} {run.scenario.name}".replace(":", "%3A").replace(",", "%2C")
    text = "\n".join((reading(run), *(detail.strip() for detail in details(run))))
    return f"::error title={title}::" + text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
