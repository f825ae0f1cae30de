"""The equivalence ladder: each rung adds one layer, so the first that fails names the faulty one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.recording.schema import RungRun, VerdictWord

__all__ = ["NAMES", "Rung", "ladder"]

NAMES = {
    "reference": "One process",
    "local": "Local trunk",
    "simulated": "Simulated network",
    "direct": "gRPC direct",
    "proxy": "gRPC through Toxiproxy",
    "scenario": "With its link and faults",
}
State = Literal["baseline", "holds", "fails", "unknown"]
STATES: dict[VerdictWord, State] = {"PASS": "holds", "FAIL": "fails", "VOID": "unknown"}


@dataclass(frozen=True)
class Rung:
    """One rung and its result."""

    name: str
    state: State


def ladder(runs: Sequence[RungRun]) -> list[Rung]:
    """Return the rungs that were run, above the reference; empty if none was."""
    if not runs:
        return []
    return [
        Rung(NAMES["reference"], "baseline"),
        *(Rung(NAMES.get(run.rung, run.rung), STATES[run.verdict]) for run in runs),
    ]
