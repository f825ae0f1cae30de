"""What came of a simulated run."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.sim.bits import Bits
from harness.sim.in_flight import InFlight
from harness.sim.invariants import Violation
from harness.trace.event import Event

__all__ = ["Outcome"]

# Invariants whose violation means that the run failed or did not finish.
OF_THE_END = ("completion", "liveness")


@dataclass
class Outcome:
    """The outcome of a simulated run.

    Attributes:
        violation: the first violated invariant; None if all held.
        events: the trace.
        messages: every request that the trunk carried out, with its replies.
        seconds: virtual duration in seconds.
        bits: digests of all tensors, by session of the client, and under "trunk" those of the trunk, of all sessions.
        finals: bytes of both halves of each session's last checkpoint, by party, session and file name.
        calls: every request sent.
        choices: number of choices drawn from the tape.
        unfired: names of the faults whose place was never passed.
    """

    violation: Violation | None = None
    events: list[Event] = field(default_factory=list)
    messages: Sequence[tuple[InFlight, Sequence[bytes]]] = ()
    seconds: float = 0.0
    bits: Mapping[str, Bits] = field(default_factory=dict)
    finals: Mapping[str, bytes] = field(default_factory=dict)
    calls: Sequence[InFlight] = ()
    choices: int = 0
    unfired: tuple[str, ...] = ()

    @property
    def trace_hash(self) -> str:
        """A hexadecimal digest (BLAKE2b, 128 bits) of all events and of the bytes of all messages carried out."""
        digest = hashlib.blake2b(digest_size=16)
        for event in self.events:
            told = (event.t, event.source, event.party, event.point, event.step, event.microbatch)
            digest.update(f"{told}{sorted(event.fields.items())}".encode())
        for call, replies in self.messages:
            digest.update(call.request)
            for reply in replies:
                digest.update(reply)
        return digest.hexdigest()

    @property
    def problem(self) -> str:
        """Why the run failed or did not finish in time; empty if it finished successfully."""
        violation = self.violation
        return violation.message if violation and violation.invariant in OF_THE_END else ""
