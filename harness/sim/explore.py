"""Runs many seeded fault schedules, in several processes."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from itertools import count, islice

import torch

from harness.sim.case import ArmName
from harness.sim.draw_case import case_of
from harness.sim.findings import Findings
from harness.sim.workers import count_of, worker_pool

__all__ = ["explore"]

# Number of seeds that a worker runs before it reports.
CHUNK = {"stub": 50, "tensors": 10}


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
        faults: number of faults per schedule; 0 means three to six, as drawn, and in some a few more.
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
