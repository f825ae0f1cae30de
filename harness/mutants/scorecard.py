"""The scorecard of the judge: what it made of each mutant, and of the correct system."""

from collections.abc import Mapping, Sequence

from harness.recording.schema import AlarmRecord, ScorecardRecord, TrialRecord, VerdictWord

__all__ = ["line_of", "scorecard"]


def scorecard(
    trials: Sequence[TrialRecord], alarms: Sequence[AlarmRecord], scenarios: int, source: str
) -> ScorecardRecord:
    """Return the scorecard of some mutants.

    Args:
        trials: the result of each mutant.
        alarms: scenarios that the correct system did not pass.
        scenarios: number of scenarios that the correct system ran.
        source: commit of the source that was measured.

    Returns:
        The scorecard: FAIL if a mutant was missed, or an equivalent one or the correct system did not pass; VOID
        without trials.
    """
    missed = tuple(trial.mutant for trial in trials if not trial.equivalent and not trial.caught)
    refuted = tuple(trial.mutant for trial in trials if trial.equivalent and trial.verdict != "PASS")
    verdict: VerdictWord = "VOID" if not trials else "FAIL" if missed or refuted or alarms else "PASS"
    figures = {**_figures(trials), "scenarios of the correct system": scenarios, "false alarms": len(alarms)}
    return ScorecardRecord(verdict, figures, missed, refuted, tuple(alarms), tuple(trials), source)


def _figures(trials: Sequence[TrialRecord]) -> Mapping[str, int]:
    planted = [trial for trial in trials if not trial.equivalent]
    caught = [trial for trial in planted if trial.caught]
    placed = [trial for trial in caught if trial.layer_right is not None]
    bits = [trial for trial in caught if trial.latency is not None]
    unseen = [trial for trial in caught if trial.unseen]
    return {
        "mutants": len(planted),
        "caught": len(caught),
        "caught by their bits": len(bits),
        "caught in the first wrong step": sum(trial.latency == 0 for trial in bits),
        "with a known layer": len(placed),
        "layer right": sum(bool(trial.layer_right) for trial in placed),
        "cause right": sum(trial.cause_right for trial in caught),
        "added after the diagnosis rules": len(unseen),
        "cause right of those": sum(trial.cause_right for trial in unseen),
        "seen in the loss curve": sum(trial.in_the_curve for trial in caught),
        "seen by allclose": sum(bool(trial.in_allclose) for trial in caught),
        "equivalent": len(trials) - len(planted),
    }


def line_of(trial: TrialRecord) -> str:
    """Return a trial as one line of text."""
    if trial.equivalent:
        return f"{'equal' if trial.verdict == 'PASS' else 'REFUTED':7}  {trial.mutant}: {trial.equivalent}"
    if not trial.caught:
        return f"{'MISSED':7}  {trial.mutant}: the run ended with {trial.verdict}"
    right = "" if trial.cause_right else f" (it is: {trial.expected_cause})"
    found = trial.place or ", ".join(trial.checks)
    return f"{'caught':7}  {trial.mutant}: {found}; cause: {trial.cause or 'not named'}{right}"
