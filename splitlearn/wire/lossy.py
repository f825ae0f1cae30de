"""A transport that loses, duplicates and corrupts messages on purpose, the same ones for the same seed."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from enum import Enum

from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.outcome import Failed, Later
from splitlearn.wire.transport import Transport
from splitlearn.wire.trunk_link import Pending

__all__ = ["LossyTransport", "Mishandling"]


class Mishandling(Enum):
    """What happens to a request or its reply."""

    REQUEST_LOST = "request lost"
    REPLY_LOST = "reply lost"
    DOUBLED = "doubled"
    REQUEST_CORRUPTED = "request corrupted"
    REPLY_CORRUPTED = "reply corrupted"


class LossyTransport:
    """Mishandles a share of the requests that have one reply, and delivers all others.

    Args:
        inner: delivers what is not lost.
        seed: decides which requests are mishandled, how, and which bit is altered.
        share: share of the requests, from 0 to 1.
        kinds: possible kinds, all equally likely.

    Attributes:
        happened: how often each kind happened.
    """

    def __init__(
        self, inner: Transport, seed: int, share: float = 0.3, kinds: Sequence[Mishandling] = tuple(Mishandling)
    ) -> None:
        self.happened: Counter[Mishandling] = Counter()
        self._inner = inner
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._share = share
        self._kinds = kinds

    def call(self, method: str, request: bytes, timeout: float) -> Pending[bytes]:
        """Send a request, perhaps mishandled."""
        if self._chance.random() >= self._share:
            return self._inner.call(method, request, timeout)
        kind = self._chance.choice(self._kinds)
        self.happened[kind] += 1
        if kind is Mishandling.REQUEST_LOST:
            return Failed(_lost(kind))
        sent = self._altered(request) if kind is Mishandling.REQUEST_CORRUPTED else request
        answer = self._inner.call(method, sent, timeout)
        match kind:
            case Mishandling.REPLY_LOST:
                return Later(lambda: _losing(answer))
            case Mishandling.REPLY_CORRUPTED:
                return Later(lambda: self._altered(answer.result()))
            case Mishandling.DOUBLED:
                again = self._inner.call(method, request, timeout)
                return Later(lambda: _second(answer, again))
        return answer

    def stream(self, method: str, request: bytes, timeout: float) -> Iterator[bytes]:
        """Deliver a request with many replies."""
        return self._inner.stream(method, request, timeout)

    def renew(self) -> None:
        """Replace the connection."""
        self._inner.renew()

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def _altered(self, data: bytes) -> bytes:
        """Return the bytes with one bit altered."""
        altered = bytearray(data)
        altered[self._chance.randrange(len(altered))] ^= 1 << self._chance.randrange(8)
        return bytes(altered)


def _losing(answer: Pending[bytes]) -> bytes:
    """Wait until a request is carried out, and lose the reply."""
    with suppress(WireError):
        answer.result()
    raise _lost(Mishandling.REPLY_LOST)


def _second(first: Pending[bytes], second: Pending[bytes]) -> bytes:
    """Wait for both answers to a duplicated request; return the later one."""
    with suppress(WireError):
        first.result()
    return second.result()


def _lost(kind: Mishandling) -> WireError:
    return WireError(Reason.TRANSPORT, kind.value, Code.UNAVAILABLE)
