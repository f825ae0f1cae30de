"""Processes forked from one that has imported what they need and computed nothing, so that they start at once."""

import multiprocessing
import signal
from multiprocessing import forkserver, resource_tracker

__all__ = ["FORKED", "import_ahead"]

# Not forked from this process itself: a fork of a process in which torch has computed may hang.
FORKED = multiprocessing.get_context("forkserver")


def import_ahead(*modules: str) -> None:
    """Begin to import modules in the process from which the others are forked, while this one goes on.

    Ctrl-C, which a terminal sends to all of them, reaches only this one: it is this one that ends them.
    """
    FORKED.set_forkserver_preload([*modules])
    # By itself it would be started in between, and unblock the signal.
    resource_tracker.ensure_running()
    # A process inherits what is blocked; a signal that comes meanwhile is not lost.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
