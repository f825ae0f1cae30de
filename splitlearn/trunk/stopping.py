"""Stops the trunk on request: clients save first, so that no step is lost."""

import logging
import signal
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

from splitlearn.runtime import Clock
from splitlearn.trunk.service import TrunkService

__all__ = ["STOP_GRACE", "StopSignal", "let_clients_save"]

log = logging.getLogger(__name__)

# Seconds to wait for clients: long enough for the rest of a step and a checkpoint.
STOP_GRACE = 60.0
# Seconds between checks for a signal, and for clients that have saved. The clock of a simulation has no event to wait
# for, and a second signal must end the wait too.
LOOK_SECONDS = 0.5
LOOK_WHILE_SAVING_SECONDS = 0.05


class StopSignal:
    """Catches SIGTERM and SIGINT from its construction on, which must be in the main thread."""

    def __init__(self) -> None:
        # Unlike an event, whose lock the signal may find taken by the very thread that handles it, it is reentrant.
        self._received: SimpleQueue[str] = SimpleQueue()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def wait(self) -> str:
        """Wait for a signal; return its name."""
        # The kernel may deliver the signal to another thread, which wakes nobody here: so this one polls.
        while True:
            with suppress(Empty):
                return self._received.get(timeout=LOOK_SECONDS)

    def repeated(self) -> bool:
        """Return whether another signal came after the one waited for: there is no time left."""
        return not self._received.empty()

    def _stop(self, number: int, _frame: object) -> None:
        self._received.put(signal.Signals(number).name)


def let_clients_save(service: TrunkService, at_once: Callable[[], bool], grace: float, clock: Clock) -> None:
    """Tell the clients that the trunk is about to stop, and wait until each has saved and closed its session.

    Args:
        service: serves the clients.
        at_once: returns whether there is no time left, after a second signal; ends the waiting.
        grace: seconds after which the waiting ends too.
        clock: measures the grace period.
    """
    service.stopping = True
    deadline = clock.now() + grace
    if service.training_sessions:
        names = ", ".join(service.training_sessions)
        log.info("these save first, for which there are %g s: %s; a second signal stops at once", grace, names)
    while service.training_sessions and clock.now() < deadline and not at_once():
        clock.sleep(LOOK_WHILE_SAVING_SECONDS)
    if left := ", ".join(service.training_sessions):
        log.warning("stopping though these have not saved: %s; they go back to their newest checkpoints", left)
