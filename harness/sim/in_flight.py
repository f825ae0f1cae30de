"""A request in flight in the simulated network, and its answer."""

import math
from dataclasses import dataclass

from harness.sim.kernel import Signal, Timer
from splitlearn.wire.errors import WireError

__all__ = ["NEVER", "Answer", "InFlight"]

NEVER = math.inf
# The replies, or the error that the request failed with.
Answer = list[bytes] | WireError


@dataclass(eq=False)
class InFlight:
    """A request, from being sent to being answered. Times are virtual, in seconds; infinity if it has not happened.

    Attributes:
        number: number of the request, counted from 1 over the whole run.
        client: name of the party that sent it.
        method: name of the RPC.
        request: the serialized request.
        done: set when the client has its answer.
        answer: the answer that the client received; None before that.
        sent_at: time at which it was sent.
        arrived_at: time at which it reached the trunk.
        again_at: time at which it reached the trunk a second time.
        done_at: time at which the client received the answer.
        arrived: whether it has reached the trunk.
        cancelled: whether it was canceled; the trunk then drops it unless it has begun to carry it out.
        deadline: fails the request when its timeout expires.
    """

    number: int
    client: str
    method: str
    request: bytes
    done: Signal
    answer: Answer | None = None
    sent_at: float = 0.0
    arrived_at: float = NEVER
    again_at: float = NEVER
    done_at: float = NEVER
    arrived: bool = False
    cancelled: bool = False
    deadline: Timer | None = None

    def finish(self, answer: Answer, now: float) -> None:
        """Complete the request with an answer, unless it is complete; `now` is the virtual time in seconds."""
        if self.answer is None:
            self.answer, self.done_at = answer, now
            if self.deadline:
                self.deadline.cancel()
            self.done.set()
