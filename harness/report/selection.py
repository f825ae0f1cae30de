"""Which of many runs tell most, and so are shown in full first."""

import re
from collections.abc import Sequence

from harness.recording.reader import RunFolder

__all__ = ["family", "in_order_of_interest"]

# Where a scenario's name goes on with what tells it from its kin: a place, a number, the name of a call.
PARTICULARS = re.compile(r"-at-|-?[0-9A-Z]")
URGENCY = {"FAIL": 0, "VOID": 1, "PASS": 2}


def family(name: str) -> str:
    """Return what names of one kind have in common: kill-trunk-at-trunk.compute.done-2 is of the family kill-trunk."""
    return PARTICULARS.split(name, maxsplit=1)[0] or name


def in_order_of_interest(runs: Sequence[RunFolder]) -> list[int]:
    """Return the positions of all runs: FAIL, VOID, the first PASS of each family of names, every other PASS."""
    seen: set[str] = set()
    interest: list[tuple[int, bool, int]] = []
    for number, run in enumerate(runs):
        passed, kin = run.verdict.verdict == "PASS", family(run.scenario.name)
        interest.append((URGENCY[run.verdict.verdict], passed and kin in seen, number))
        if passed:
            seen.add(kin)
    return [number for *_, number in sorted(interest)]
