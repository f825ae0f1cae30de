"""A pool that is left by an exception ends its processes, whatever they are doing."""

import os
import signal
from contextlib import suppress

import psutil

from harness.sim.workers import worker_pool

DEADLINE = 60.0


def interrupted():
    """Interrupt a pool with a worker that would work forever; return the worker."""
    with suppress(KeyboardInterrupt), worker_pool(1) as pool:
        worker = psutil.Process(pool.submit(os.getpid).result(DEADLINE))
        pool.submit(signal.pause)
        raise KeyboardInterrupt
    return worker


def test_an_interruption_ends_workers_that_would_work_forever():
    interrupted().wait(DEADLINE)


def test_without_one_their_work_is_waited_for():
    with worker_pool(1) as pool:
        work = pool.submit(os.getpid)

    assert work.done()
    assert not work.cancelled()
