"""ablations.json: what fails without each safeguard of the protocol."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.recording.schema.values import VerdictWord

__all__ = ["AblationRecord", "AblationsRecord"]


@dataclass(frozen=True)
class AblationRecord:
    """What schedules of faults showed without one safeguard.

    Attributes:
        switched_off: the safeguard's name; `nothing` for the correct system.
        guards: what the safeguard does, in words.
        schedules: how many were run.
        failed: how many of them broke an invariant.
        per_10_000: failures in 10,000 schedules, as far as these tell; by inverse sampling if there were enough.
        first_seed: of the first failing schedule; None if none failed.
        first_message: what was wrong with it; None if none failed.
        invariants: how often each was the first not to hold, the most frequent at the beginning.
        faults_when_shrunk: faults left of the first failing schedule; None if it was not shrunk.
        runs_to_shrink: schedules that the shrinking took.
        why_nothing_failed: in words; empty if something failed, and for the correct system.
        refuted: the same, for a safeguard without which something failed all the same; empty for all others.
        seconds_to_shrink: real time that the shrinking took.
    """

    switched_off: str
    guards: str
    schedules: int
    failed: int
    per_10_000: float
    first_seed: int | None
    first_message: str | None
    invariants: Mapping[str, int]
    faults_when_shrunk: int | None
    runs_to_shrink: int
    why_nothing_failed: str
    refuted: str = ""
    seconds_to_shrink: float = 0.0


@dataclass(frozen=True)
class AblationsRecord:
    """What fails without each safeguard, and, in the first row, with all of them.

    Attributes:
        verdict: PASS if nothing fails with all safeguards, and without each something either does or is said not to.
        schedules: how many each row may have run.
        seed: of the first schedule.
        enough: failures after which a row needed no more schedules.
        rows: the correct system, then each safeguard.
        seconds: real time of all rows.
        commit: of the source tree; empty if unknown.
        faults: number in each schedule; 0 means as drawn.
    """

    verdict: VerdictWord
    schedules: int
    seed: int
    enough: int
    rows: tuple[AblationRecord, ...]
    seconds: float
    commit: str = ""
    faults: int = 0
