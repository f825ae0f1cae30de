"""Lets all clients meet at the trunk, however late one of them starts."""

from collections.abc import Callable, Iterable

from harness.trace.event import Event
from harness.trace.place import At

__all__ = ["Meeting"]


class Meeting:
    """Holds every client but the first, once it has opened its session, until all sessions have been opened.

    On a busy machine, one could otherwise be done before another has started.

    Args:
        others: parties of the clients that are held.
        sessions: names of all clients' sessions.
    """

    # Where the clients are to be held.
    PLACE = At("client.session.opened")

    def __init__(self, others: Iterable[str], sessions: Iterable[str]) -> None:
        self._others = frozenset(others)
        self._missing = set(sessions)
        self._held: list[Callable[[], None]] = []

    def take(self, event: Event) -> None:
        """Take an event; release the clients once all sessions have been opened."""
        if event.party in self._others and event.release:
            self._held.append(event.release)
        elif event.point == "trunk.session.opened":
            self._missing.discard(str(event.fields["session"]))
        if not self._missing:
            for release in self._held:
                release()
            self._held.clear()
