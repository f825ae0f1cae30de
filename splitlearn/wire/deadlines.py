"""How long an attempt of a call may take: longer than the timeout, if the bytes in flight need longer.

The bandwidth is estimated as in BBR (Cardwell et al., "BBR: Congestion-Based Congestion Control", 2016): each answer
gives a sample, the bytes delivered since its request was sent over the time since then, and the largest of the last
samples counts. A sample never exceeds the bandwidth by much, because its time also includes delays and computing.
"""

from collections import deque
from dataclasses import dataclass

from splitlearn.runtime import Clock

__all__ = ["SLOWEST", "Deadlines", "Transfer"]

# Bytes per second that are assumed until something was measured: 1 Mbit/s.
SLOWEST = 125_000.0
# A bandwidth may drop, or be shared, to this part of what was measured, and still no deadline passes.
SLACK = 2.0
# Smaller transfers measure the latency.
LEAST_BYTES = 1 << 16
SAMPLES = 32
# Deadlines are no longer doubled after this many have passed in a row.
MOST_DOUBLINGS = 4


@dataclass(eq=False)
class Transfer:
    """A request and its reply in flight.

    Attributes:
        nbytes: of request and reply.
        timeout: seconds in which the reply is due.
        started: when the request was sent, in seconds of the clock.
        delivered: bytes that had been delivered by then.
    """

    nbytes: int
    timeout: float
    started: float
    delivered: int


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
        self._delivered = 0
        self._samples: deque[float] = deque(maxlen=SAMPLES)
        self._late_in_a_row = 0

    @property
    def bandwidth(self) -> float:
        """The estimated bandwidth in bytes per second, of both directions together."""
        return max(self._samples, default=SLOWEST)

    def begin(self, nbytes: int) -> Transfer:
        """Return a transfer of so many bytes that begins now; what is in flight already arrives before it."""
        queued = nbytes + sum(transfer.nbytes for transfer in self._in_flight)
        needed = SLACK * queued / self.bandwidth * 2 ** min(self._late_in_a_row, MOST_DOUBLINGS)
        transfer = Transfer(nbytes, max(self._timeout, needed), self._clock.now(), self._delivered)
        self._in_flight.add(transfer)
        return transfer

    def answered(self, transfer: Transfer) -> None:
        """End a transfer whose reply has come."""
        self._in_flight.discard(transfer)
        self._delivered += transfer.nbytes
        self._late_in_a_row = 0
        taken, nbytes = self._clock.now() - transfer.started, self._delivered - transfer.delivered
        if taken > 0 and nbytes >= LEAST_BYTES:
            self._samples.append(nbytes / taken)

    def failed(self, transfer: Transfer, *, late: bool) -> None:
        """End a transfer without a reply; if its deadline has passed, what was measured no longer holds."""
        self._in_flight.discard(transfer)
        if late:
            self._samples.clear()
            self._late_in_a_row += 1

    def forget_in_flight(self) -> None:
        """Forget transfers whose replies nobody awaits any more."""
        self._in_flight.clear()
