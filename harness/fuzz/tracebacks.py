"""Tracebacks that would be printed, wherever they come from."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["tracebacks"]


@contextmanager
def tracebacks() -> Iterator[list[str]]:
    """Collect the tracebacks of uncaught exceptions, in any thread, and of logged ones."""
    found: list[str] = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info and record.exc_info[0]:
                found.append(f"{record.name}: {record.exc_info[1]!r}")

    listening = Listening()
    threads, unraisable = threading.excepthook, sys.unraisablehook
    threading.excepthook = lambda failed: found.append(f"in a thread: {failed.exc_value!r}")
    sys.unraisablehook = lambda failed: found.append(f"ignored: {failed.exc_value!r}")
    logging.getLogger().addHandler(listening)
    try:
        yield found
    finally:
        logging.getLogger().removeHandler(listening)
        threading.excepthook, sys.unraisablehook = threads, unraisable
