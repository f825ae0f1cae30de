"""What must hold at every moment of a simulated run, whatever breaks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.sim.network import InFlight
from harness.trace.event import Event
from splitlearn.wire.methods import METHODS

__all__ = ["INVARIANTS", "Invariants", "Violation"]

# By name, in words.
INVARIANTS = {
    "applied once": "no side applies a step twice, or leaves one out",
    "bits": "every tensor is the undisturbed run's, bit for bit",
    "common step": "a session continues from the newest step of which both sides have a checkpoint",
    "one incarnation": "only a session's newest incarnation is heeded",
    "same reply": "a repeated request gets the bytes of the first reply",
    "kept checkpoint": "a checkpoint that both sides have written is never lost",
    "final state": "both halves of the last checkpoint are the undisturbed run's, byte for byte",
    "liveness": "without faults, every run comes to its end within a stated time",
    "completion": "no program ends with an error",
}
# These change nothing and may be answered differently at another time.
REPEATABLE = ("Compute", "Backward")


@dataclass(frozen=True)
class Violation:
    """An invariant that did not hold.

    Attributes:
        invariant: its name.
        message: what happened.
        t: virtual time in seconds.
    """

    invariant: str
    message: str
    t: float

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.invariant}: {self.message} (at {self.t:.3f} s)"


class Invariants:
    """Follows one run.

    Args:
        violated: called with the name of an invariant and what happened.
    """

    def __init__(self, violated: Callable[[str, str], None]) -> None:
        self._violated = violated
        # By party and session.
        self._applied: dict[tuple[str, str], int] = {}
        # Steps of which a side has acknowledged a checkpoint, by side and session.
        self._saved: dict[tuple[str, str], set[int]] = {}
        self._newest: dict[str, int] = {}
        self._replies: dict[bytes, bytes] = {}
        self._opened: dict[str, int] = {}

    def take(self, event: Event, session: str) -> None:
        """Take an event of a party; `session` is whose session it is about."""
        role, _, what = event.point.partition(".")
        step = event.step or 0
        key = (role, session)
        if what == "session.opened":
            self._opened_at(role, session, step)
        elif what == "commit.applied":
            before = self._applied.get(key, 0)
            if step != before:
                self._violated("applied once", f"the {role} applied step {step} after {before} steps")
            self._applied[key] = step + 1
        elif what == "checkpoint.saved":
            self._saved.setdefault(key, set()).add(step)

    def answered(self, call: InFlight, request: Any, replies: Sequence[bytes]) -> None:  # noqa: ANN401 - of any method
        """Take a request that a trunk has carried out, and its replies."""
        method = METHODS[call.method]
        if call.method == "OpenSession":
            opened: Any = method.read_reply(replies[0], call.request)
            self._newest[request.session_id] = max(self._newest.get(request.session_id, 0), opened.incarnation)
            return
        newest = self._newest.get(request.key.session_id, 0)
        if request.key.incarnation and request.key.incarnation < newest:
            heeded = f"a {call.method} of incarnation {request.key.incarnation} was carried out; the newest is {newest}"
            self._violated("one incarnation", heeded)
        if call.method in REPEATABLE:
            first = self._replies.setdefault(call.request, replies[0])
            if first != replies[0] and _content(call, first) != _content(call, replies[0]):
                self._violated("same reply", f"a repeated {call.method} got another reply")

    def _opened_at(self, role: str, session: str, step: int) -> None:
        ours, theirs = (self._saved.get((side, session), set()) for side in ("client", "trunk"))
        common = max(ours & theirs, default=0)
        if role == "trunk" and step < common:
            lost = f"the trunk opened {session!r} at step {step}; both sides have a checkpoint of step {common}"
            self._violated("kept checkpoint", lost)
        self._applied[role, session] = step


def _content(call: InFlight, reply: bytes) -> bytes:
    """Return a reply's bytes without what says nothing about the request: whether the trunk is about to stop."""
    message: Any = METHODS[call.method].read_reply(reply, call.request)
    message.stopping = False
    return bytes(message.SerializeToString(deterministic=True))
