"""Keeps track of the places at which processes are to be held."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from harness.trace.place import At

__all__ = ["Holds"]


@dataclass
class Hold:
    """Holds a process at a place, when it is passed for the n-th time."""

    at: At
    left: int


class Holds:
    """The holds that have not been used yet; thread-safe.

    Args:
        places: each holds once, at its `occurrence`.
    """

    def __init__(self, places: Iterable[At]) -> None:
        self._holds = [Hold(at, at.occurrence) for at in places]
        self._lock = threading.Lock()

    def of(self, party: str) -> list[dict[str, object]]:
        """Return a party's holds in the form that its probe reads, each as often as it must stop there."""
        with self._lock:
            return [
                {"point": hold.at.point, "step": hold.at.step, "microbatch": hold.at.microbatch}
                for hold in self._holds
                if hold.at.source == party
                for _ in range(hold.left)
            ]

    def take(self, place: At) -> bool:
        """Count a passing of a place; return whether the process is held there, which uses up the hold.

        So a restarted process is not held again where its predecessor was held.
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
