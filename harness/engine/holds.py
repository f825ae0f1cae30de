"""Places at which processes are to be held."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from harness.trace.place import At

__all__ = ["Holds"]


@dataclass
class Hold:
    """A process is to be held at a place, at the n-th passing."""

    at: At
    left: int


class Holds:
    """Which places are still to hold a process; safe to use from several threads.

    Args:
        places: each holds once, at its `occurrence`.
    """

    def __init__(self, places: Iterable[At]) -> None:
        self._holds = [Hold(at, at.occurrence) for at in places]
        self._lock = threading.Lock()

    def of(self, party: str) -> list[dict[str, object]]:
        """Return a party's places as its probe reads them, each as often as it has to stop there."""
        with self._lock:
            return [
                {"point": hold.at.point, "step": hold.at.step, "microbatch": hold.at.microbatch}
                for hold in self._holds
                if hold.at.source == party
                for _ in range(hold.left)
            ]

    def take(self, place: At) -> bool:
        """Count a passing; return whether it is held, which uses the hold up.

        A restarted process is therefore not held where another was held before.
        """
        with self._lock:
            covering = [hold for hold in self._holds if hold.at.covers(place.point, place.step, place.microbatch)]
            for hold in covering:
                hold.left -= 1
            due = [hold for hold in covering if not hold.left]
            # If two holds are due at once, one is used now and the other at the next passing.
            for hold in due[1:]:
                hold.left = 1
            if due:
                self._holds.remove(due[0])
            return bool(due)
