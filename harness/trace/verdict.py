"""Verdicts (PASS, FAIL, VOID and, for a single check, N/A) and what a check found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

__all__ = ["CheckResult", "Finding", "Verdict", "worst"]


class Verdict(Enum):
    """How a check or a run ended.

    VOID means that something should have been shown but was not; N/A, for checks only, that there was nothing to show.
    """

    PASS = "PASS"  # noqa: S105 - not a password
    FAIL = "FAIL"
    VOID = "VOID"
    NOT_APPLICABLE = "N/A"

    @property
    def exit_status(self) -> int:
        """The command's exit status; a run is never N/A."""
        return {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.VOID: 3}[self]


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, and where."""

    message: str
    where: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckResult:
    """The result of one check on one run.

    Attributes:
        name: the check's.
        compared: number of things looked at; a check that looked at nothing and found nothing is VOID, or N/A.
        summary: one sentence.
        findings: what is wrong; they outweigh `void_because`.
        figures: numbers worth keeping.
        void_because: why less was shown than should have been.
        applies: whether the run was meant to show anything of the kind.
        traceback: of a check that is itself broken; otherwise empty.
    """

    name: str
    compared: int
    summary: str
    findings: Sequence[Finding] = ()
    figures: Mapping[str, float | int | str] = field(default_factory=dict)
    void_because: str = ""
    applies: bool = True
    traceback: str = ""

    def __post_init__(self) -> None:
        assert self.applies or not (self.compared or self.findings), f"{self.name} does not apply"

    @property
    def verdict(self) -> Verdict:
        """N/A if nothing was to be shown, FAIL if something is wrong, VOID if not all was shown, otherwise PASS."""
        if not self.applies:
            return Verdict.NOT_APPLICABLE
        if self.findings:
            return Verdict.FAIL
        return Verdict.PASS if self.compared and not self.void_because else Verdict.VOID

    @property
    def reading(self) -> str:
        """The first finding, or why nothing was shown, or the summary."""
        if self.verdict is Verdict.FAIL:
            return self.findings[0].message
        return self.void_because or self.summary


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst verdict: FAIL outweighs VOID, VOID outweighs PASS, N/A does not count; without any, VOID."""
    found = set(verdicts)
    for verdict in (Verdict.FAIL, Verdict.VOID, Verdict.PASS):
        if verdict in found:
            return verdict
    return Verdict.VOID
