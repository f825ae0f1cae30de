"""verdict.json: the results of the checks."""

from dataclasses import dataclass, field

from harness.recording.schema.values import CheckWord, Figures, VerdictWord
from harness.recording.schema.where import Where

__all__ = ["CheckRecord", "FindingRecord", "VerdictRecord"]


@dataclass(frozen=True)
class FindingRecord:
    """One thing that a check found wrong."""

    message: str
    where: Where | None = None


@dataclass(frozen=True)
class CheckRecord:
    """The result of one check."""

    name: str
    verdict: CheckWord
    summary: str = ""
    compared: int | None = None
    figures: Figures = field(default_factory=dict)
    findings: tuple[FindingRecord, ...] = ()
    traceback: str = ""


@dataclass(frozen=True)
class VerdictRecord:
    """The result of all checks together, and the command that runs the scenario again.

    A likely cause is a kind of bug in a word or two, and what was seen in a sentence; both are empty if there is none.
    """

    verdict: VerdictWord
    checks: tuple[CheckRecord, ...] = ()
    figures: Figures = field(default_factory=dict)
    not_covered: tuple[str, ...] = ()
    replay: str = ""
    started: str = ""
    seconds: float | None = None
    cause: str = ""
    likely_cause: str = ""
