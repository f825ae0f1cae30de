"""Limits the requests in flight, and decides which gives way when there are too many.

Everything here runs in the server's event loop.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from splitlearn.wire.errors import Code, Reason, WireError

__all__ = ["NewestFirst", "Places", "busy"]


def busy(words: str) -> WireError:
    """Return a refusal after which the request may be retried later."""
    return WireError(Reason.TRANSPORT, words, Code.RESOURCE_EXHAUSTED)


class NewestFirst:
    """Places for requests that anyone may make: the oldest makes room for the newest, so that none can be blocked.

    Args:
        most: number of places.
        seconds: after which a place is lost in any case.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._limits: deque[asyncio.Timeout] = deque()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place until the `with` block is left; raises `WireError` in it if the place is lost."""
        if len(self._limits) == self._most:
            oldest = self._limits.popleft()
            if not oldest.expired():
                oldest.reschedule(asyncio.get_running_loop().time())
        limit = asyncio.timeout(self._seconds)
        self._limits.append(limit)
        try:
            async with limit:
                yield
        except TimeoutError:
            raise busy("it took too long, or newer requests need its place") from None
        finally:
            if limit in self._limits:
                self._limits.remove(limit)


@dataclass
class Places:
    """Places for requests of admitted clients; no connection can occupy another's.

    Args:
        most: requests in flight in total; one more is refused.
        most_read: messages of one connection read or answered at a time; the others wait, unread.
        max_bytes: of all messages being answered; one more is refused, unless it is alone.
    """

    most: int
    most_read: int
    max_bytes: int
    _under_way: int = 0
    _held_bytes: int = 0
    _turns: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    _users: Counter[str] = field(default_factory=Counter)

    @asynccontextmanager
    async def place(self, connection: str) -> AsyncIterator[None]:
        """Wait for a place to read a connection's message, and hold it; raises `WireError` for one too many."""
        if self._under_way == self.most:
            raise busy(f"the trunk has {self.most} requests in flight")
        self._under_way += 1
        self._users[connection] += 1
        turns = self._turns.setdefault(connection, asyncio.Semaphore(self.most_read))
        try:
            async with turns:
                yield
        finally:
            self._under_way -= 1
            self._users[connection] -= 1
            if not self._users[connection]:
                del self._users[connection], self._turns[connection]

    @asynccontextmanager
    async def memory(self, nbytes: int) -> AsyncIterator[None]:
        """Count a message until it is answered; raises `WireError` if there is no room for it."""
        if self._held_bytes and self._held_bytes + nbytes > self.max_bytes:
            raise busy(f"the trunk has {self._held_bytes} bytes of messages to answer")
        self._held_bytes += nbytes
        try:
            yield
        finally:
            self._held_bytes -= nbytes
