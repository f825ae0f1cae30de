"""Tames what gRPC itself writes to the log."""

import logging

__all__ = ["without_tracebacks"]

# Where its bindings report headers that are not text, each time with a traceback.
BINDINGS = logging.getLogger("grpc._cython.cygrpc")


def without_tracebacks() -> None:
    """Make gRPC report unreadable data in one line; repeated calls do nothing."""
    BINDINGS.addFilter(_shorten)


def _shorten(record: logging.LogRecord) -> bool:
    if record.exc_info and isinstance(record.exc_info[1], UnicodeDecodeError):
        record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
    return True
