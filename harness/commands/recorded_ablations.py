"""Runs the schedules of `harness ablations` and records what failed."""

import time
from collections.abc import Sequence

from tqdm import tqdm

from harness.errors import UnusableError
from harness.recording.environment import commit
from harness.recording.schema import AblationRecord, AblationsRecord, VerdictWord
from harness.sim.ablating import ENOUGH, Row, ablate
from harness.sim.ablations import ABLATIONS

__all__ = ["record_ablations", "recorded", "verdict_of"]


def record_ablations(names: Sequence[str], schedules: int, seed: int, jobs: int, faults: int) -> AblationsRecord:
    """Run schedules with the correct system and without each safeguard, and return what failed.

    Args:
        names: of the safeguards; all of them without a name.
        schedules: how many for each at most.
        seed: of the first.
        jobs: processes; 0 means one a core.
        faults: number in each schedule; 0 means as drawn.

    Raises:
        UnusableError: there is no safeguard of some name.
    """
    unknown = [name for name in names if name not in ABLATIONS]
    if unknown:
        raise UnusableError(f"there is no safeguard {unknown[0]!r}; there are {', '.join(ABLATIONS)}")
    chosen = names or list(ABLATIONS)
    source, started = commit(), time.monotonic()  # before anything in it can change
    with tqdm(total=1 + len(chosen), unit=" safeguards", dynamic_ncols=True, disable=None) as bar:
        rows = ablate(chosen, schedules, seed, jobs=jobs, faults=faults, on_row=bar.update)
    seconds = round(time.monotonic() - started, 1)
    records = tuple(map(recorded, rows))
    return AblationsRecord(verdict_of(rows), schedules, seed, ENOUGH, records, seconds, source, faults)


def verdict_of(rows: Sequence[Row]) -> VerdictWord:
    """Return the verdict: FAIL if the correct system failed, VOID if a safeguard is not shown or explained, or both."""
    correct, *others = rows
    if correct.failures:
        return "FAIL"
    return "PASS" if all(row.is_explained for row in others) else "VOID"


def recorded(row: Row) -> AblationRecord:
    """Return the record of a row."""
    first = row.failures[0] if row.failures else None
    return AblationRecord(
        switched_off=row.name,
        guards=row.ablation.guards if row.ablation else "the correct system",
        schedules=row.schedules,
        failed=len(row.failures),
        per_10_000=row.per_10_000,
        first_seed=first.seed if first else None,
        first_message=first.message if first else None,
        invariants=dict(row.invariants.most_common()),
        faults_when_shrunk=row.faults,
        runs_to_shrink=row.runs,
        why_nothing_failed=_why_nothing_failed(row),
        refuted=row.refuted,
        seconds_to_shrink=row.seconds,
    )


def _why_nothing_failed(row: Row) -> str:
    if row.failures or row.ablation is None:
        return ""
    rare = f"Not shown by these {row.schedules:,} schedules, which draw what it guards against too rarely."
    return row.ablation.unseen or rare
