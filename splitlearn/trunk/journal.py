"""Logs who opened a session, and who was refused and why.

A stranger must be able neither to fill the disk nor to control a reader's terminal.
"""

import logging
from collections import Counter
from typing import TypeAlias

from splitlearn.runtime import Clock
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.words import clipped, printable

__all__ = ["Journal", "Request"]

log = logging.getLogger(__name__)

Request: TypeAlias = (
    pb.OpenSessionRequest
    | pb.ComputeRequest
    | pb.BackwardRequest
    | pb.GetGradientsRequest
    | pb.SyncTrainingStateRequest
)

MOST_LINES, SECONDS = 20, 60.0
# Part of normal operation.
QUIET = (Reason.FORWARD_NEEDED, Reason.OUT_OF_ORDER)


class Journal:
    """Writes a limited number of lines of each kind per interval, then a count of the rest.

    Args:
        clock: measures the interval.
        most: lines per kind.
        seconds: the interval.
    """

    def __init__(self, clock: Clock, most: int = MOST_LINES, seconds: float = SECONDS) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._since = clock.now()
        self._count: Counter[str] = Counter()

    def opened(self, peer: str, request: pb.OpenSessionRequest, reply: pb.OpenSessionReply) -> None:
        """Log that a session was opened."""
        former = f", in the place of incarnation {request.replaces}" if request.replaces else ""
        what = f"session {request.session_id} {'to read it ' if request.reader else ''}at step {reply.applied_step}"
        who = f"{peer}: client {request.client}"
        self._write("openings", logging.INFO, f"{who} opened {what} as incarnation {reply.incarnation}{former}")

    def refused(self, peer: str, method: str, error: WireError, request: Request | None = None) -> None:
        """Log that a request was refused; an unreadable one has no session."""
        if error.reason not in QUIET:
            of = f" of session {_session_of(request)}" if request else ""
            words = f"{peer}: {method}{of} was refused: {error.reason.value}: {error.message}"
            self._write(f"refusals with {error.reason.value}", logging.WARNING, words)

    def sum_up(self) -> None:
        """Log what was omitted when the interval is over; call this about every second."""
        if self._clock.now() - self._since >= self._seconds:
            for kind, count in self._count.items():
                if count > self._most:
                    log.warning("… and %d more %s within %g s", count - self._most, kind, self._seconds)
            self._since = self._clock.now()
            self._count.clear()

    def _write(self, kind: str, level: int, words: str) -> None:
        self.sum_up()
        self._count[kind] += 1
        if self._count[kind] <= self._most:
            log.log(level, "%s", printable(clipped(words)))


def _session_of(request: Request) -> str:
    return request.session_id if isinstance(request, pb.OpenSessionRequest) else request.key.session_id
