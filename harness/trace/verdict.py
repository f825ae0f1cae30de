"""PASS, FAIL or VOID, of a single check also N/A, and what a check found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

__all__ = ["CheckResult", "Finding", "Verdict", "worst"]


class Verdict(Enum):
    """How a check or a run ended.

    VOID means that something should have been shown and was not; N/A, of a check only, that there was nothing to show.
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
    """Something that is not as it should be, and where."""

    message: str
    where: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckResult:
    """What one check says of one run.

    Attributes:
        name: of the check.
        compared: how many things were looked at; a check that looked at nothing and found nothing is VOID, or N/A.
        summary: one sentence.
        findings: what is wrong; they outweigh `void_because`.
        figures: numbers worth keeping.
        void_because: why less was shown than should have been.
        applies: whether the run was to show anything of the kind.
        traceback: of a check that is itself broken; else empty.
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
        """N/A where nothing was to be shown, FAIL where something is wrong, VOID where nothing or not all was shown."""
        if not self.applies:
            return Verdict.NOT_APPLICABLE
        if self.findings:
            return Verdict.FAIL
        return Verdict.PASS if self.compared and not self.void_because else Verdict.VOID

    @property
    def reading(self) -> str:
        """The first thing that is wrong, or why nothing was shown, or the summary."""
        if self.verdict is Verdict.FAIL:
            return self.findings[0].message
        return self.void_because or self.summary


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst: FAIL outweighs VOID, VOID outweighs PASS; N/A does not count; of nothing, VOID."""
    found = set(verdicts)
    for verdict in (Verdict.FAIL, Verdict.VOID, Verdict.PASS):
        if verdict in found:
            return verdict
    return Verdict.VOID
