"""Which of many runs are shown in full."""

import re
from collections.abc import Sequence

from harness.report.folder import RunFolder

__all__ = ["FEW", "family", "shown_in_full"]

FEW = 24
# Where a scenario's name goes on with what tells it from its kin: a place, a number, the name of a call.
PARTICULARS = re.compile(r"-at-|-?[0-9A-Z]")


def family(name: str) -> str:
    """Give what names of one kind have in common: kill-trunk-at-trunk.compute.done-2 is of the family kill-trunk."""
    return PARTICULARS.split(name, maxsplit=1)[0] or name


def shown_in_full(runs: Sequence[RunFolder]) -> list[bool]:
    """Tell of each run whether it is: of few all, of many those that did not pass and the first PASS of each family."""
    if len(runs) <= FEW:
        return [True] * len(runs)
    seen: set[str] = set()
    chosen: list[bool] = []
    for run in runs:
        kin = family(run.scenario.name)
        chosen.append(run.verdict.verdict != "PASS" or kin not in seen)
        if run.verdict.verdict == "PASS":
            seen.add(kin)
    return chosen
