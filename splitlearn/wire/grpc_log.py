"""What gRPC writes into the log of its own accord."""

import logging

__all__ = ["without_tracebacks"]

# Where its bindings complain of headers that are no text, each time with a traceback.
BINDINGS = logging.getLogger("grpc._cython.cygrpc")


def without_tracebacks() -> None:
    """Let gRPC say in one line what it could not read; a second time does nothing."""
    BINDINGS.addFilter(_shorten)


def _shorten(record: logging.LogRecord) -> bool:
    if record.exc_info and isinstance(record.exc_info[1], UnicodeDecodeError):
        record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
    return True
