"""PASS, FAIL or VOID, and what a check found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

__all__ = ["CheckResult", "Finding", "Verdict", "worst"]


class Verdict(Enum):
    """How a check or a run ended; VOID means that nothing was shown either way."""

    PASS = "PASS"  # noqa: S105 - not a password
    FAIL = "FAIL"
    VOID = "VOID"

    @property
    def exit_status(self) -> int:
        """The command's exit status."""
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
        compared: how many things were looked at; a check that looked at nothing is VOID.
        summary: one sentence.
        findings: what is wrong; empty unless the verdict is FAIL or VOID.
        figures: numbers worth keeping.
        void_because: why nothing was shown, where that is not for lack of things to compare.
    """

    name: str
    compared: int
    summary: str
    findings: Sequence[Finding] = ()
    figures: Mapping[str, float | int | str] = field(default_factory=dict)
    void_because: str = ""

    @property
    def verdict(self) -> Verdict:
        """FAIL where something is wrong, VOID where nothing was looked at, else PASS."""
        if self.void_because or not self.compared:
            return Verdict.VOID
        return Verdict.FAIL if self.findings else Verdict.PASS

    @property
    def reading(self) -> str:
        """The first thing that is wrong, or the summary."""
        return self.void_because or (self.findings[0].message if self.findings else self.summary)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """FAIL outweighs VOID, VOID outweighs PASS; of nothing, VOID."""
    found = set(verdicts)
    for verdict in (Verdict.FAIL, Verdict.VOID, Verdict.PASS):
        if verdict in found:
            return verdict
    return Verdict.VOID
