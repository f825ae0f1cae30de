"""Lets two clients meet at the trunk, however late one of them starts."""

from collections.abc import Callable

from harness.trace.event import Event
from harness.trace.place import At

__all__ = ["Meeting"]


class Meeting:
    """Holds the second client, once it has opened its session, until the first client has opened one, too.

    The first is started meanwhile. On a busy machine, one could otherwise be done before the other has started.

    Args:
        second: the second client's party.
        session: name of the first client's session.
    """

    # Where the second client is to be held.
    PLACE = At("client.session.opened")

    def __init__(self, second: str, session: str) -> None:
        self._second = second
        self._session = session
        self._is_open = False
        self._release: Callable[[], None] | None = None

    def take(self, event: Event) -> None:
        """Take an event; release the second client once both sessions are open."""
        if event.party == self._second and event.release:
            self._release = event.release
        elif event.point == "trunk.session.opened" and event.fields.get("session") == self._session:
            self._is_open = True
        if self._is_open and self._release:
            self._release()
            self._release = None
