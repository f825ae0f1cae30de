"""The invariants of a simulated run: properties that hold at every event, whatever faults occur."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.sim.in_flight import InFlight
from harness.sim.replies import FirstReplies
from harness.trace.event import Event
from splitlearn.wire.methods import METHODS

__all__ = ["INVARIANTS", "Invariants", "Violation"]

# What each invariant says, by name.
INVARIANTS = {
    "applied once": "neither side applies a step twice or skips one",
    "bits": "every tensor equals the undisturbed run's, bit for bit",
    "one incarnation": "only requests of a session's newest incarnation are carried out",
    "same reply": "a repeated request gets the first reply again, mostly even in another of the client's lives",
    "window": "the trunk keeps no more microbatches of a step than the schedule has open at once",
    "kept checkpoint": "a checkpoint that both sides have written is never lost",
    "final state": "both halves of the last checkpoint equal the undisturbed run's, byte for byte",
    "liveness": "whenever no fault is at work any more, the clients are done within a fixed time",
    "completion": "no program exits with an error",
    "crash": "nothing raises an exception outside the programs",
}


@dataclass(frozen=True)
class Violation:
    """A violated invariant.

    Attributes:
        invariant: the invariant's name.
        message: what happened.
        t: virtual time in seconds.
    """

    invariant: str
    message: str
    t: float

    def __str__(self) -> str:
        """Return the name, the message and the time as one line."""
        return f"{self.invariant}: {self.message} (at {self.t:.3f} s)"


class Invariants:
    """Checks the invariants of one run as its events and replies come in.

    Args:
        violated: called with the name of a violated invariant and what happened.
        most_open: how many microbatches of a step are open at once, at most, in any session.
    """

    def __init__(self, violated: Callable[[str, str], None], most_open: int) -> None:
        self._most_open = most_open
        self._violated = violated
        # Number of steps applied, by role and session.
        self._applied: dict[tuple[str, str], int] = {}
        # Steps of which a side has saved a checkpoint, by role and session.
        self._saved: dict[tuple[str, str], set[int]] = {}
        self._newest: dict[str, int] = {}
        self._replies = FirstReplies()
        # What each session lost when the trunk opened it, unless its client opens it again before it trains.
        self._lost: dict[str, str] = {}
        self._synced = False

    def take(self, event: Event, session: str) -> None:
        """Check an event of a party; `session` is the name of the session it concerns."""
        role, _, what = event.point.partition(".")
        step = event.step or 0
        key = (role, session)
        if what == "session.opened":
            self._opened_at(role, session, step)
        elif what == "commit.applied":
            before = self._applied.get(key, 0)
            if step != before:
                applied = f"session {session!r}: the {role} applied step {step} after {before} steps"
                self._violated("applied once", applied)
            self._applied[key] = step + 1
        elif what == "compute.received" and session in self._lost:
            self._violated("kept checkpoint", self._lost[session])
        elif what == "compute.done" and (kept := event.fields["kept"]) > self._most_open:
            much = f"session {session!r}, step {step}: the trunk keeps {kept} microbatches; {self._most_open} are open"
            self._violated("window", much)
        elif what == "checkpoint.saved":
            self._saved.setdefault(key, set()).add(step)
        elif event.point == "disk.altered":
            self._saved.get((event.party, session), set()).discard(step)
        elif what == "server.starting":
            self._synced = False  # of a request that the trunk did not live to answer
            self._replies.note_start()
        elif what == "sync.done":
            self._synced = True

    def answered(self, call: InFlight, request: Any, replies: Sequence[bytes]) -> None:  # noqa: ANN401 - of any method
        """Check a request that the trunk has carried out, and its replies."""
        if call.method == "OpenSession":
            self._check_repetition(call, request, replies, f"session {request.session_id!r}")
            opened: Any = METHODS[call.method].read_reply(replies[0], call.request)
            self._newest[request.session_id] = max(self._newest.get(request.session_id, 0), opened.incarnation)
            return
        if call.method == "SyncTrainingState":
            carried_out, self._synced = self._synced, False
            if not carried_out:
                return  # a request to close a session that is not open, which changes nothing
        newest = self._newest.get(request.key.session_id, 0)
        if request.key.incarnation and request.key.incarnation < newest:
            heeded = f"a {call.method} of incarnation {request.key.incarnation} was carried out; the newest is {newest}"
            self._violated("one incarnation", f"{_place(request.key)}: {heeded}")
        self._check_repetition(call, request, replies, _place(request.key))

    def _check_repetition(self, call: InFlight, request: Any, replies: Sequence[bytes], where: str) -> None:  # noqa: ANN401 - as above
        if not self._replies.are_repeated(call, request, replies):
            self._violated("same reply", f"{where}: a repeated {call.method} got a different reply")

    def _opened_at(self, role: str, session: str, step: int) -> None:
        ours, theirs = (self._saved.get((side, session), set()) for side in ("client", "trunk"))
        common = max(ours & theirs, default=0)
        if role == "trunk":
            self._lost.pop(session, None)
            if step < common:
                lost = f"{session!r} continues from step {step}, though both sides had a checkpoint of step {common}"
                self._lost[session] = lost
        self._applied[role, session] = step


def _place(key: Any) -> str:  # noqa: ANN401 - of a request of any method
    """Return in words what a request's key is about."""
    return f"session {key.session_id!r}, step {key.step}, microbatch {key.microbatch}"
