"""Shares work between processes, and takes the results as they come."""

from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from harness.errors import HarnessError
from harness.processes.forked import FORKED

__all__ = ["shared"]

T = TypeVar("T")
Share = TypeVar("Share")


def shared(work: Callable[[Share], Iterator[T]], shares: Sequence[Share]) -> Iterator[T]:
    """Yield what each process makes of its share, as it comes.

    Args:
        work: of a process; it and the shares are sent there.
        shares: one for each process.

    Raises:
        HarnessError: a process ended before its work was done.
    """
    # Connections, whose type is another on every system, and their processes.
    started: dict[Any, Any] = {}
    try:
        for share in shares:
            ours, theirs = FORKED.Pipe(duplex=False)
            process = FORKED.Process(target=_work, args=(work, share, theirs), daemon=True)
            process.start()
            theirs.close()
            started[ours] = process
        working = list(started)
        while working:
            ready = wait(working)
            for connection in [each for each in working if each in ready]:
                try:
                    yield connection.recv()
                except EOFError:
                    working.remove(connection)
                    started[connection].join()
                    if started[connection].exitcode:
                        raise HarnessError("a process that ran scenarios has ended; its message is above") from None
    finally:
        for process in started.values():
            process.kill()


def _work(work: Callable[[Share], Iterator[T]], share: Share, results: "Connection[T, Any]") -> None:
    with results:
        for result in work(share):
            results.send(result)
