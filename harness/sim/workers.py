"""A pool of processes that run simulated worlds, and that are killed when their work is given up."""

import gc
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from harness.processes.forked import FORKED

__all__ = ["count_of", "worker_pool"]


def count_of(jobs: int) -> int:
    """Return a number of processes; 0 means one per core."""
    return jobs or os.cpu_count() or 1


def _collect_rarely() -> None:
    """Spare the garbage collector what has been imported, and collect less often: most garbage is of whole worlds."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@contextmanager
def worker_pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Start processes, and wait for their work at the end of the `with` block.

    An exception, such as Ctrl-C, ends them at once: waiting for what they have begun can take minutes.

    Args:
        jobs: number of processes; 0 means one per core.
    """
    others = multiprocessing.active_children()
    with ProcessPoolExecutor(count_of(jobs), FORKED, _collect_rarely) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                if process not in others:
                    process.kill()
            raise
