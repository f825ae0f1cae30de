"""One run of a scenario in a simulated world."""

import logging
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from google.protobuf.message import Message

from harness.plan.faults import PARTIES, PartyName
from harness.plan.other_clients import SESSION, session_of
from harness.plan.planned import Planned
from harness.plan.scenario import Scenario
from harness.sim.bit_rot import alter_half
from harness.sim.bits import Bits, BitsLog
from harness.sim.choices import Choices
from harness.sim.in_flight import InFlight
from harness.sim.invariants import INVARIANTS, Invariants, Violation
from harness.sim.kernel import Kernel, StuckError
from harness.sim.machine import Machine
from harness.sim.network import SimNetwork
from harness.sim.observer import SimObserver
from harness.sim.outcome import Outcome
from harness.sim.parties import SAVE_DIR, Surroundings, finals_of, new_parties
from harness.sim.parts import Parts
from harness.sim.party import SimParty
from harness.sim.relay import SimRelay
from harness.sim.script import run_script
from harness.trace.event import Event
from splitlearn.config import TrainingConfig
from splitlearn.tensor_log import TensorLog

__all__ = ["LIVENESS_SECONDS", "Simulation", "quiet", "undisturbed"]

# Virtual seconds: how long the clients may take while no fault's script is at work, if the scenario's timeout does not
# allow more, and the faults once the clients are done; how long a trunk may take to stop; and how long a run may take
# whose faults never end.
LIVENESS_SECONDS = 300.0
TRUNK_STOP_SECONDS = 120.0
LONGEST_SECONDS = 36_000.0


class Simulation:
    """A simulated world that runs a scenario once.

    Args:
        scenario: what to run; its checkpoint folders, sessions and addresses are replaced.
        parts_of: returns the model and the data for a configuration.
        seed: seed of the choice tape.
        expected: outcome of the undisturbed run to compare with; None to compare nothing.
        log_of: returns the tensor log of a party, by name; None to log digests and compare them with `expected`.
        on_event: called with every event.
        calm: draw 0 for every choice, so that no random delays are added.
        memory: byte limit for the step in progress at the trunk, even below what its settings allow; 0 means theirs.
        step_seconds: virtual seconds for which a client computes in every step.

    Attributes:
        observer: records the events.
        network: connects the clients to the trunk.
        relay: passes the network's requests on to the trunk.
    """

    def __init__(
        self,
        scenario: Scenario,
        parts_of: Callable[[TrainingConfig], Parts],
        seed: int = 0,
        expected: Outcome | None = None,
        log_of: Callable[[str], TensorLog] | None = None,
        on_event: Callable[[Event], None] = lambda _event: None,
        *,
        calm: bool = False,
        memory: int = 0,
        step_seconds: float = 0.0,
    ) -> None:
        self._scenario = scenario
        self._expected = expected
        self._log_of = log_of
        self._on_event = on_event
        self._planned: list[Planned] = sorted(scenario.planned, key=lambda each: each.at.occurrence)
        # Fault scripts at work, and the virtual time since which there is none.
        self._scripts = 0
        self._undisturbed_since = 0.0
        self._violation: Violation | None = None
        self._bits: dict[str, Bits] = {}
        self._messages: list[tuple[InFlight, Sequence[bytes]]] = []
        self._kernel = Kernel()
        self._choices = Choices(seed, calm=calm)
        self._over = False
        # The session whose request the trunk carries out, or was the last to.
        self._served = ""
        self.observer = SimObserver(self._kernel, tuple(each.at for each in scenario.planned), self._take, self._begin)
        self.network = SimNetwork(self._kernel, self._choices, scenario.link)
        self.relay = SimRelay(self._kernel, self.observer.note)
        self._invariants = Invariants(self._violated)
        self._parties = self._new_parties(parts_of, memory, step_seconds)

    @property
    def over(self) -> bool:
        """Whether all clients have finished."""
        return self._over

    def party(self, name: str) -> SimParty:
        """Return a party by name."""
        return self._parties[name]

    def alter_half(self, name: PartyName, bit: int, *, newest: bool) -> None:
        """Alter a bit of a party's half of a checkpoint of the first client's session; may raise `HarnessError`."""
        machines: Mapping[PartyName, Machine] = {each: self._parties[each].machine for each in PARTIES}
        step = alter_half(machines, SAVE_DIR / SESSION, name, bit, newest=newest)
        self.observer.note("harness", "disk.altered", name, step, bit=bit)

    def run(self) -> Outcome:
        """Run to the end, or to the first violated invariant, and return the outcome."""
        with quiet():
            try:
                self._run()
            except StuckError as error:
                self._violated("liveness", f"{error}; {self._still_running}")
            except Exception as error:  # noqa: BLE001 - whatever it is, the seed and its faults must be told
                self._violated("crash", f"{type(error).__name__}: {error}")
            finally:
                self.network.forget_connections()
                for party in self._parties.values():
                    party.end_all()
        return Outcome(
            self._violation,
            self.observer.events,
            self._messages,
            self._kernel.now,
            self._bits,
            finals_of(self._parties),
            self.network.calls,
            self._choices.drawn,
            tuple(each.name for each in self._planned),
        )

    @property
    def disks(self) -> Mapping[str, Machine]:
        """The machines, with their disks, by party."""
        return {name: party.machine for name, party in self._parties.items()}

    def _run(self) -> None:
        trunk = self._parties["trunk"]
        clients = [party for name, party in self._parties.items() if name != "trunk"]
        trunk.start()
        for client in clients:
            self.observer.when(lambda: self.network.is_served, LIVENESS_SECONDS, client.start, client.start)
        self._kernel.run(lambda: self._stop_now(all(client.done for client in clients)), LONGEST_SECONDS)
        self._over = True
        self.observer.look()
        limit = self._kernel.now + LIVENESS_SECONDS
        self._kernel.run(lambda: self._stop_now(self._at_rest), limit)
        if self._violation:
            return
        while not trunk.done and not self._violation:
            # A fault may kill the trunk while it stops, and restart it.
            self._kernel.run(lambda: self._stop_now(self.network.is_served), self._kernel.now + TRUNK_STOP_SECONDS)
            asked = trunk.process
            trunk.stop_asked(signal.SIGTERM)
            self._kernel.run(lambda: self._stop_now(not asked.alive), self._kernel.now + TRUNK_STOP_SECONDS)  # noqa: B023
        self._check_end()

    @property
    def _at_rest(self) -> bool:
        """Whether all faults and superseded clients have ended, no fault has restarted a client, and a trunk runs."""
        trunk, *clients = self._parties.values()
        ended = all(client.done and client.superseded.have_ended for client in clients)
        return ended and trunk.running and not self._scripts

    def _stop_now(self, done: bool) -> bool:  # noqa: FBT001 - a condition
        if self._violation:
            return True
        for party in self._parties.values():
            if party.problem:
                self._violated("completion", party.problem)
        self._check_progress()
        return done or self._violation is not None

    def _check_progress(self) -> None:
        undisturbed = self._kernel.now - self._undisturbed_since
        if undisturbed > max(LIVENESS_SECONDS, self._scenario.timeout) and not (self._over or self._scripts):
            self._violated(
                "liveness", f"the clients are not done after {undisturbed:.0f} s without a fault; {self._still_running}"
            )

    @property
    def _still_running(self) -> str:
        running = ", ".join(name for name, party in self._parties.items() if party.running)
        return f"still running: {running or 'nobody'}"

    def _check_end(self) -> None:
        if self._violation or self._expected is None:
            return
        finals = finals_of(self._parties)
        for path, data in self._expected.finals.items():
            if finals.get(path) != data:
                self._violated("final state", f"{path} differs from the undisturbed run")
                return
        for session, found in self._bits.items():
            if len(found) < len(self._expected.bits[session]):
                self._violated("bits", f"session {session}: some tensors of the undisturbed run were not computed")

    def _violated(self, invariant: str, message: str) -> None:
        assert invariant in INVARIANTS, invariant
        if self._violation is None:
            self._violation = Violation(invariant, message, self._kernel.now)

    def _take(self, event: Event) -> None:
        # What a superseded client has saved counts, too.
        if event.party in self._parties or event.point == "client.checkpoint.saved":
            session = event.fields.get("session") or session_of(event.party)
            self._invariants.take(event, str(session))
        self._on_event(event)

    def _begin(self, event: Event) -> None:
        planned = next(each for each in self._planned if each.at.matches(event))
        self._planned.remove(planned)
        self._scripts += 1
        run_script(planned, event, self, self._end_script)

    def _end_script(self) -> None:
        self._scripts -= 1
        if not self._scripts:
            self._undisturbed_since = self._kernel.now

    def begun(self, request: Message) -> None:
        """Note whose request the trunk begins to carry out: the tensors that it computes are that session's."""
        own: Any = request
        self._served = (own.key if hasattr(own, "key") else own).session_id

    def answered(self, call: InFlight, request: Message, replies: Sequence[bytes]) -> None:
        """Check a request that was carried out and its replies, which are not sent yet."""
        self._messages.append((call, replies))
        self._invariants.answered(call, request, replies)

    def _new_parties(
        self, parts_of: Callable[[TrainingConfig], Parts], memory: int, step_seconds: float
    ) -> dict[str, SimParty]:
        return new_parties(
            self._scenario,
            Surroundings(self._kernel, self._choices, self.observer, self.network, self.relay, self),
            parts_of,
            self._new_log,
            memory,
            step_seconds,
        )

    def _new_log(self, name: str, session: str) -> TensorLog:
        if self._log_of is not None:
            return self._log_of(name)
        key = session or "trunk"
        self._bits[key] = Bits()
        known = self._expected.bits[key] if self._expected else None
        return BitsLog(
            known,
            self._bits[key],
            lambda where: self._violated("bits", where),
            name,
            lambda: session or self._served,
            self._scenario.record_steps,
        )


def undisturbed(scenario: Scenario) -> Scenario:
    """Return the scenario without its faults and adversaries."""
    return replace(scenario, faults=(), adversaries=())


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the programs' warnings, of which simulated faults cause thousands."""
    logger = logging.getLogger("splitlearn")
    before = logger.disabled, logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.disabled, logger.level = before
