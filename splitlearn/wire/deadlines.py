"""How long an attempt of a call may take: longer than the timeout, if the bytes in flight need longer.

The bandwidth is estimated from below, and the largest of the last estimates counts, as in BBR (Cardwell et al., "BBR:
Congestion-Based Congestion Control", 2016). Each answer gives one: the bytes delivered since anything was last in
flight, over the time since then, in which all of them were sent and arrived. That time also includes delays and
computing.
"""

import math
from collections import deque
from dataclasses import dataclass

from splitlearn.runtime import Clock

__all__ = ["SLOWEST", "Deadlines", "Transfer"]

# Bytes per second that are assumed until something was measured: 1 Mbit/s.
SLOWEST = 125_000.0
# A bandwidth may drop, or be shared, to this part of what was measured, and still no deadline passes.
SLACK = 2.0
# Fewer bytes measure the latency.
LEAST_BYTES = 1 << 16
SAMPLES = 32
# What is assumed of the bandwidth when a deadline has passed, as a part of what was assumed before; and the least.
DECAY, LEAST = 0.25, SLOWEST / 16


@dataclass(eq=False)
class Transfer:
    """A request and its reply in flight.

    Attributes:
        nbytes: of request and reply.
        timeout: seconds in which the reply is due.
        started: when the request was sent, in seconds of the clock.
    """

    nbytes: int
    timeout: float
    started: float


class Deadlines:
    """Sets the deadlines of the attempts over one connection.

    Args:
        timeout: seconds that an attempt may take at least.
        clock: measures how long attempts take.
    """

    def __init__(self, timeout: float, clock: Clock) -> None:
        self._timeout = timeout
        self._clock = clock
        self._in_flight: set[Transfer] = set()
        # When the first transfer began of those without a pause between them, and the bytes delivered since.
        self._busy_since = 0.0
        self._delivered = 0
        self._samples: deque[float] = deque(maxlen=SAMPLES)
        self._assumed = SLOWEST
        self._late_at = -math.inf

    @property
    def bandwidth(self) -> float:
        """The estimated bandwidth in bytes per second, of both directions together."""
        return max(self._samples, default=self._assumed)

    def begin(self, nbytes: int, most: float) -> Transfer:
        """Return a transfer that begins now; what is in flight already arrives before it.

        Args:
            nbytes: of request and reply.
            most: seconds that it may take at most, unless the timeout is longer.
        """
        if not self._in_flight:
            self._busy_since, self._delivered = self._clock.now(), 0
        queued = nbytes + sum(transfer.nbytes for transfer in self._in_flight)
        needed = SLACK * queued / self.bandwidth
        transfer = Transfer(nbytes, max(self._timeout, min(needed, most)), self._clock.now())
        self._in_flight.add(transfer)
        return transfer

    def answered(self, transfer: Transfer) -> None:
        """End a transfer whose reply has come."""
        self._in_flight.discard(transfer)
        self._delivered += transfer.nbytes
        taken = self._clock.now() - self._busy_since
        if taken > 0 and self._delivered >= LEAST_BYTES:
            self._samples.append(self._delivered / taken)

    def failed(self, transfer: Transfer, *, late: bool) -> None:
        """End a transfer without a reply; if its deadline has passed, the bandwidth is less than was measured.

        That several are late together says so once.
        """
        self._in_flight.discard(transfer)
        if late and transfer.started >= self._late_at:
            self._assumed = max(LEAST, DECAY * self.bandwidth)
            self._samples.clear()
            self._late_at = self._clock.now()

    def forget_in_flight(self) -> None:
        """Forget transfers whose replies nobody awaits any more."""
        self._in_flight.clear()
