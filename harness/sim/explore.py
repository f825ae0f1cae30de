"""Runs many seeded fault schedules, in several processes, and sums up their coverage and failures."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass, field
from itertools import count, islice

import torch

from harness.judging.agreement import shown
from harness.sim.case import ArmName, Case
from harness.sim.draw_case import case_of
from harness.sim.outcome import Outcome
from harness.sim.states import states_of
from harness.sim.workers import count_of, worker_pool

__all__ = ["Failure", "Findings", "explore"]

# Number of seeds that a worker runs before it reports.
CHUNK = {"stub": 50, "tensors": 10}


@dataclass(frozen=True)
class Failure:
    """A schedule that violated an invariant.

    Attributes:
        seed: seed of the schedule and its world.
        invariant: name of the first invariant violated.
        message: what happened.
    """

    seed: int
    invariant: str
    message: str


@dataclass
class Findings:
    """The summed results of some schedules.

    Attributes:
        schedules: number of schedules run.
        planned: number of faults planned in them.
        faults: number of faults that showed, as their traces among the events tell.
        events: number of events traced.
        compared: number of tensors compared with the undisturbed run.
        failures: schedules that violated an invariant.
        met: number of faults that showed, by (kind of fault, point).
        states: hashes of the distinct protocol states reached.
        steps: number of optimizer steps applied by the clients.
        virtual_seconds: total virtual time of all runs.
    """

    schedules: int = 0
    planned: int = 0
    faults: int = 0
    events: int = 0
    compared: int = 0
    failures: list[Failure] = field(default_factory=list)
    met: Counter[tuple[str, str]] = field(default_factory=Counter)
    states: set[int] = field(default_factory=set)
    steps: int = 0
    virtual_seconds: float = 0.0

    def add(self, other: "Findings") -> None:
        """Add the results of other schedules."""
        self.schedules += other.schedules
        self.planned += other.planned
        self.faults += other.faults
        self.events += other.events
        self.compared += other.compared
        self.failures += other.failures
        self.met.update(other.met)
        self.states |= other.states
        self.steps += other.steps
        self.virtual_seconds += other.virtual_seconds

    def take(self, case: Case, outcome: Outcome) -> None:
        """Add the outcome of one schedule."""
        self.schedules += 1
        self.planned += len(case.scenario.faults)
        self.events += len(outcome.events)
        self.compared += sum(bits.compared for bits in outcome.bits.values())
        self.virtual_seconds += outcome.seconds
        seen = set(shown(case.scenario.faults, outcome.events))
        self.faults += len(seen)
        self.met.update((type(fault).__name__, fault.at.point) for fault in case.scenario.faults if fault.name in seen)
        self.steps += sum(event.point == "client.commit.applied" for event in outcome.events)
        self.states |= states_of(outcome.events)
        if outcome.violation:
            self.failures.append(Failure(case.world.seed, outcome.violation.invariant, outcome.violation.message))


def run_seeds(seeds: range, arm: ArmName, faults: int, prepare: Callable[[], None] | None = None) -> Findings:
    """Run the schedules of some seeds in this process; each run ends at its first violation."""
    torch.set_num_threads(1)
    if prepare is not None:
        prepare()
    found = Findings()
    for seed in seeds:
        case = case_of(seed, arm, faults)
        found.take(case, case.run())
    return found


def explore(
    seconds: float,
    seed: int,
    arm: ArmName = "stub",
    jobs: int = 0,
    most: int = 0,
    faults: int = 0,
    prepare: Callable[[], None] | None = None,
) -> Iterator[Findings]:
    """Run the schedules of consecutive seeds in a pool of processes.

    Args:
        seconds: real time after which no further schedules are started.
        seed: the first seed.
        arm: name of the arm, which decides the model.
        jobs: number of processes; 0 means one per core.
        most: maximum number of schedules; 0 means no limit.
        faults: number of faults per schedule; 0 means three to six, as drawn.
        prepare: called in the worker before each chunk of schedules, for example to plant a bug.

    Yields:
        The findings so far, each time a worker reports.
    """
    found, give_up_at = Findings(), time.monotonic() + seconds
    chunks = _chunks(seed, CHUNK[arm], most)
    with worker_pool(jobs) as pool:
        first = islice(chunks, count_of(jobs))
        running = {pool.submit(run_seeds, chunk, arm, faults, prepare) for chunk in first}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for each in done:
                found.add(each.result())
                chunk = next(chunks, None) if time.monotonic() < give_up_at else None
                if chunk is not None:
                    running.add(pool.submit(run_seeds, chunk, arm, faults, prepare))
            yield found


def _chunks(seed: int, size: int, most: int) -> Iterator[range]:
    for start in count(seed, size):
        if most and start >= seed + most:
            return
        yield range(start, min(start + size, seed + most) if most else start + size)
