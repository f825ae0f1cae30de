"""A transport whose requests arrive in another order than they were sent."""

import random

from splitlearn.wire.outcome import Later


class AnyOrder:
    """Keeps requests until one of their answers is awaited; then they arrive in an order that a seed decides.

    Attributes:
        overtaken: how many requests arrived after a later one.
    """

    def __init__(self, inner, seed):
        self.overtaken = 0
        self._inner = inner
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._waiting = []

    def call(self, method, request, timeout):
        """Keep a request."""
        place = [None]
        self._waiting.append((place, method, request, timeout))
        return Later(lambda: self._answer(place))

    def stream(self, method, request, timeout):
        """Deliver a request with many replies after all others."""
        while self._waiting:
            self._deliver()
        return self._inner.stream(method, request, timeout)

    def renew(self):
        """Replace the connection."""
        self._inner.renew()

    def close(self):
        """Close the connection."""
        self._inner.close()

    def _answer(self, place):
        while place[0] is None:
            self._deliver()
        return place[0].result()

    def _deliver(self):
        index = self._chance.randrange(len(self._waiting))
        self.overtaken += index > 0
        place, *request = self._waiting.pop(index)
        place[0] = self._inner.call(*request)
