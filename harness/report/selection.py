"""Orders runs by how informative they are, to show the first in full."""

import re
from collections.abc import Sequence

from harness.recording.reader import RunFolder

__all__ = ["family", "in_order_of_interest"]

# Where the part of a scenario's name begins that sets it apart in its family: a place, a number, a call's name.
PARTICULARS = re.compile(r"-at-|-?[0-9A-Z]")
URGENCY = {"FAIL": 0, "VOID": 1, "PASS": 2}


def family(name: str) -> str:
    """Return the family of a name: kill-trunk-at-trunk.compute.done-2 belongs to kill-trunk."""
    return PARTICULARS.split(name, maxsplit=1)[0] or name


def in_order_of_interest(runs: Sequence[RunFolder]) -> list[int]:
    """Return the positions of all runs in this order: FAIL, VOID, the first PASS of each family, every other PASS."""
    seen: set[str] = set()
    interest: list[tuple[int, bool, int]] = []
    for number, run in enumerate(runs):
        passed, kin = run.verdict.verdict == "PASS", family(run.scenario.name)
        interest.append((URGENCY[run.verdict.verdict], passed and kin in seen, number))
        if passed:
            seen.add(kin)
    return [number for *_, number in sorted(interest)]
