"""Processes forked from one that has imported what they need and computed nothing, so that they start at once."""

import multiprocessing
from multiprocessing import forkserver

__all__ = ["FORKED", "import_ahead"]

# Not forked from this process itself: a fork of a process in which torch has computed may hang.
FORKED = multiprocessing.get_context("forkserver")


def import_ahead(*modules: str) -> None:
    """Begin to import modules in the process from which the others are forked, while this one goes on."""
    FORKED.set_forkserver_preload([*modules])
    forkserver.ensure_running()
