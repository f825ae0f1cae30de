"""Runs seeded schedules without one safeguard after the other, and sums up what failed."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from harness.sim.ablations import ABLATIONS, Ablation
from harness.sim.arms import expected_of
from harness.sim.case import ArmName, Case
from harness.sim.draw_case import case_of
from harness.sim.findings import Failure
from harness.sim.invariants import Violation
from harness.sim.shrink import shrink
from harness.sim.workers import worker_pool

__all__ = ["ENOUGH", "NOTHING", "Row", "ablate", "fails_without", "failures_without", "violation_without"]

# Failures after which a safeguard needs no more schedules.
ENOUGH = 5
NOTHING = "nothing"


@dataclass(frozen=True)
class Row:
    """What was found without one safeguard.

    Attributes:
        name: the safeguard's; `nothing` for the correct system. A row crosses processes, which an ablation cannot.
        schedules: how many were run.
        failures: those that broke an invariant, by seed.
        faults: left of the first failing schedule when it is shrunk; None if nothing failed.
        runs: schedules that the shrinking took.
        seconds: real time that the shrinking took.
    """

    name: str
    schedules: int
    failures: tuple[Failure, ...]
    faults: int | None = None
    runs: int = 0
    seconds: float = 0.0

    @property
    def ablation(self) -> Ablation | None:
        """The safeguard; None for the correct system."""
        return ABLATIONS.get(self.name)

    @property
    def per_10_000(self) -> float:
        """Failures in 10,000 schedules, as far as these tell.

        If the search ended with a failure, because there were enough, it ended where there were many. Then this is the
        unbiased estimate of inverse sampling, which leaves that one out.
        """
        last = len(self.failures) == ENOUGH
        return 10_000 * (len(self.failures) - last) / (self.schedules - last)

    @property
    def invariants(self) -> Counter[str]:
        """How often each invariant was the first not to hold."""
        return Counter(failure.invariant for failure in self.failures)

    @property
    def refuted(self) -> str:
        """What is said of the safeguard to explain that nothing fails without it, if something does; else empty."""
        return self.ablation.unseen if self.ablation and self.failures else ""

    @property
    def is_explained(self) -> bool:
        """Whether it either fails or says why not; the correct system must not fail."""
        return bool(self.failures) != bool(self.ablation.unseen) if self.ablation else not self.failures


def ablate(
    names: Sequence[str],
    schedules: int,
    seed: int = 0,
    arm: ArmName = "stub",
    jobs: int = 0,
    faults: int = 0,
    on_row: Callable[[], object] = lambda: None,
) -> list[Row]:
    """Run schedules with the correct system, and the same without each safeguard.

    Args:
        names: of ablations.
        schedules: how many for each at most; a safeguard without which enough of them fail needs no more.
        seed: the first.
        arm: what the worlds compute with.
        jobs: processes; 0 means one a core.
        faults: number in each schedule; 0 means as drawn.
        on_row: called whenever a row is complete.

    Returns:
        A row for the correct system, then one for each ablation.
    """
    with worker_pool(jobs) as pool:
        rows = [pool.submit(row_without, name, range(seed, seed + schedules), arm, faults) for name in ("", *names)]
        for _ in as_completed(rows):
            on_row()
        return [row.result() for row in rows]


def row_without(name: str, seeds: Sequence[int], arm: ArmName, faults: int) -> Row:
    """Return the row of a safeguard, or of the correct system if the name is empty."""
    torch.set_num_threads(1)
    failures, tried = failures_without(name, seeds, arm, faults)
    row = Row(name or NOTHING, tried, failures)
    if not failures:
        return row
    first, started = failures[0], time.monotonic()
    with TemporaryDirectory() as examples:
        found = shrink(case_of(first.seed, arm, faults), fails_without(name, first.invariant), Path(examples))
    seconds = round(time.monotonic() - started, 1)
    return replace(row, faults=len(found.case.scenario.faults), runs=found.runs, seconds=seconds)


def failures_without(name: str, seeds: Sequence[int], arm: ArmName, faults: int = 0) -> tuple[tuple[Failure, ...], int]:
    """Return which schedules fail, up to enough of them, and how many were run."""
    found: list[Failure] = []
    for tried, seed in enumerate(seeds, start=1):
        violation = violation_without(name, case_of(seed, arm, faults))
        if violation is not None:
            found.append(Failure(seed, violation.invariant, violation.message))
        if len(found) == ENOUGH:
            return tuple(found), tried
    return tuple(found), len(seeds)


def violation_without(name: str, case: Case) -> Violation | None:
    """Return what a case violates without a safeguard, or with all of them if the name is empty."""
    # With the correct system, and kept for all cases of the same settings.
    expected_of(case.scenario, case.world.arm)
    with ABLATIONS[name].switched_off() if name else nullcontext():
        return case.run().violation


def fails_without(name: str, invariant: str) -> Callable[[Case], bool]:
    """Return what tells whether a case violates an invariant without a safeguard."""

    def fails(case: Case) -> bool:
        violation = violation_without(name, case)
        return violation is not None and violation.invariant == invariant

    return fails
