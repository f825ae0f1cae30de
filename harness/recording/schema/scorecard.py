"""mutants.json: what the judge made of bugs that were planted on purpose, and of the correct system."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.recording.schema.values import VerdictWord

__all__ = ["AlarmRecord", "ScorecardRecord", "TrialRecord"]


@dataclass(frozen=True)
class TrialRecord:
    """A planted bug, and the result of the run in which it was planted.

    Attributes:
        mutant: the mutant's name.
        what: the bug, in one sentence.
        source: where such a bug has occurred.
        party: the party whose code is wrong.
        scenario: name of the scenario that was run.
        since: the first step that the bug affects.
        expected_cause: the cause that the diagnosis should name.
        verdict: the run's verdict.
        checks: names of the failed checks.
        step: step of the first divergence; None if all bits are equal, -1 after the last step.
        stage: stage of the first divergence; empty if there is none.
        tensor: tensor of the first divergence; empty if there is none.
        latency: number of steps from the first affected one to the first divergence; None if there is none.
        layer_right: whether the stage belongs to the party at fault; None if both are at fault or all bits are equal.
        cause: the cause that the diagnosis names; empty if it names none.
        cause_right: whether the diagnosis names the true cause.
        in_the_curve: whether a step's loss is missing or differs by more than 1 %.
        in_allclose: whether `torch.allclose`, with its default tolerances, finds a difference in the final weights;
            None if there are none to compare.
        seconds: real time that running and judging took.
        finding: summary of the first failed check; empty if none failed.
        likely_cause: the diagnosis, in words.
        equivalent: why no run can distinguish the bug from the correct system; empty if one can.
        unseen: whether the bug was added after the rules of the diagnosis.
    """

    mutant: str
    what: str
    source: str
    party: str
    scenario: str
    since: int
    expected_cause: str
    verdict: VerdictWord
    checks: tuple[str, ...]
    step: int | None
    stage: str
    tensor: str
    latency: int | None
    layer_right: bool | None
    cause: str
    cause_right: bool
    in_the_curve: bool
    in_allclose: bool | None
    seconds: float
    finding: str
    likely_cause: str
    equivalent: str = ""
    unseen: bool = False

    @property
    def caught(self) -> bool:
        """Whether the run's verdict is FAIL."""
        return self.verdict == "FAIL"

    @property
    def place(self) -> str:
        """Where the first divergence is; empty if all bits are equal."""
        if self.step is None:
            return ""
        where = "after the last step" if self.step < 0 else f"step {self.step}"
        return f"{where}, {self.stage}, {self.tensor}"


@dataclass(frozen=True)
class AlarmRecord:
    """A false alarm: a scenario that the correct system did not pass.

    Attributes:
        scenario: the scenario's name.
        verdict: the run's verdict.
        finding: the first check that did not pass, in words.
    """

    scenario: str
    verdict: VerdictWord
    finding: str


@dataclass(frozen=True)
class ScorecardRecord:
    """The scorecard of the judge.

    Attributes:
        verdict: PASS if every bug that a run can show was caught, and there was no false alarm.
        figures: counts, by name.
        missed: names of the bugs that were not caught.
        refuted: names of the bugs that are called equivalent, but did not pass.
        false_alarms: scenarios that the correct system did not pass.
        mutants: every bug and its result.
        commit: of the source tree that was tried; empty if unknown.
    """

    verdict: VerdictWord
    figures: Mapping[str, int]
    missed: tuple[str, ...]
    refuted: tuple[str, ...]
    false_alarms: tuple[AlarmRecord, ...]
    mutants: tuple[TrialRecord, ...]
    commit: str = ""

    @property
    def planted(self) -> Sequence[TrialRecord]:
        """The bugs that a run can show."""
        return [trial for trial in self.mutants if not trial.equivalent]

    @property
    def equivalent(self) -> Sequence[TrialRecord]:
        """The bugs that no run can show."""
        return [trial for trial in self.mutants if trial.equivalent]

    @property
    def seconds(self) -> float:
        """Real time of all runs with a bug, added up."""
        return sum(trial.seconds for trial in self.mutants)
