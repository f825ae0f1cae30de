"""Standard streams that nobody reads: closed from the start, as by `>&-`, or without a reader, as of `| head`."""

import os
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

__all__ = ["UNREAD", "drop_unread", "replace_closed"]

# The exit status of a program whose output nobody reads.
UNREAD = 128 + signal.SIGPIPE


def replace_closed() -> None:
    """Discard what is written to standard output or standard error if it was closed before the program began."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - for as long as the program runs


def drop_unread() -> bool:
    """Discard what is left for standard output and standard error if nobody reads it; return whether that is so."""
    unread = [stream for stream in (sys.stdout, sys.stderr) if _has_no_reader(stream)]
    for stream in unread:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    return bool(unread)


def _has_no_reader(stream: TextIO) -> bool:
    with suppress(OSError, ValueError):  # a stream without a descriptor, such as one that is captured, does not break
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    return False
