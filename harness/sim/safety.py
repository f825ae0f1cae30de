"""Checks a simulated run at every event, request and tensor, and keeps what it violated first."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from google.protobuf.message import Message

from harness.plan.other_clients import session_of
from harness.plan.scenario import Scenario
from harness.sim.bits import Bits, BitsLog
from harness.sim.in_flight import InFlight
from harness.sim.invariants import INVARIANTS, Invariants, Violation
from harness.sim.outcome import Outcome
from harness.trace.event import Event
from splitlearn.config import TrainingConfig
from splitlearn.tensor_log import TensorLog

__all__ = ["Safety"]


class Safety:
    """The checks of one run.

    Args:
        scenario: what is run.
        expected: outcome of the undisturbed run to compare with; None to compare nothing.
        now: returns the virtual time in seconds.

    Attributes:
        violation: the first violated invariant; None while all hold.
        messages: every request that the trunk carried out, with its replies.
        bits: digests of all tensors, by session of the client, and under "trunk" those of the trunk.
    """

    def __init__(self, scenario: Scenario, expected: Outcome | None, now: Callable[[], float]) -> None:
        self.violation: Violation | None = None
        self.messages: list[tuple[InFlight, Sequence[bytes]]] = []
        self.bits: dict[str, Bits] = {}
        self._scenario = scenario
        self._expected = expected
        self._now = now
        self._invariants = Invariants(self.violated, _most_open(scenario.config))
        # The session whose request the trunk carries out, or was the last to.
        self._served = ""

    def violated(self, invariant: str, message: str) -> None:
        """Note a violation, unless there was one before."""
        assert invariant in INVARIANTS, invariant
        if self.violation is None:
            self.violation = Violation(invariant, message, self._now())

    def take(self, event: Event) -> None:
        """Check an event of a party."""
        self._invariants.take(event, str(event.fields.get("session") or session_of(event.party)))

    def begun(self, request: Message) -> None:
        """Note whose request the trunk begins to carry out: the tensors that it computes are that session's."""
        own: Any = request
        self._served = (own.key if hasattr(own, "key") else own).session_id

    def answered(self, call: InFlight, request: Message, replies: Sequence[bytes]) -> None:
        """Check a request that was carried out and its replies, which are not sent yet."""
        self.messages.append((call, replies))
        self._invariants.answered(call, request, replies)

    def new_log(self, party: str, session: str) -> TensorLog:
        """Return a tensor log that compares a party's tensors; the trunk, without a session, serves all of them."""
        key = session or "trunk"
        self.bits[key] = Bits()
        return BitsLog(
            self._expected.bits[key] if self._expected else None,
            self.bits[key],
            lambda where: self.violated("bits", where),
            party,
            lambda: session or self._served,
            self._scenario.record_steps,
        )

    def check_end(self, finals: Mapping[str, bytes]) -> None:
        """Check that a finished run left the last checkpoints, and computed the tensors, of the undisturbed run."""
        if self.violation or self._expected is None:
            return
        for path, data in self._expected.finals.items():
            if finals.get(path) != data:
                self.violated("final state", f"{path} differs from the undisturbed run")
                return
        for session, found in self.bits.items():
            if len(found) < len(self._expected.bits[session]):
                self.violated("bits", f"session {session}: some tensors of the undisturbed run were not computed")


def _most_open(config: TrainingConfig) -> int:
    """Return how many of a step's microbatches may be open at once; 1F1B has a window, other schedules have none."""
    every = config.gradient_accumulation_steps
    return min(config.window, every) if config.schedule == "1f1b" else every
