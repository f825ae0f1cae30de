"""One run of a scenario in a simulated world."""

import hashlib
import logging
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from google.protobuf.message import Message

from harness.plan.faults import DiskFault
from harness.plan.planned import Planned
from harness.plan.scenario import Scenario
from harness.sim.bits import Bits, BitsLog
from harness.sim.choices import Choices
from harness.sim.invariants import Invariants, Violation
from harness.sim.kernel import Kernel, StuckError
from harness.sim.machine import Machine
from harness.sim.network import InFlight, SimNetwork
from harness.sim.observer import SimObserver
from harness.sim.parts import Parts
from harness.sim.party import SimParty
from harness.sim.programs import ClientProgram, TrunkProgram
from harness.sim.relay import SimRelay
from harness.sim.script import run_script
from harness.trace.event import Event
from splitlearn.config import TrainingConfig
from splitlearn.tensor_log import TensorLog

__all__ = ["SAVE_DIR", "SESSION", "Outcome", "Simulation"]

SAVE_DIR = Path("/checkpoints")
SESSION, SECOND_SESSION = "run", "second-run"
# Virtual seconds: the time a run may take beyond its scenario's timeout and for its faults to end after the
# clients are done, and the time a trunk may take to stop.
LIVENESS_SECONDS = 300.0
TRUNK_STOP_SECONDS = 120.0
HALF = ".safetensors"
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
        bits: digests of all tensors, by session, and under "trunk" those of the trunk.
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
    ) -> None:
        self._scenario = scenario
        self._memory = memory
        self._parts_of = parts_of
        self._expected = expected
        self._log_of = log_of
        self._on_event = on_event
        self._planned: list[Planned] = sorted(scenario.planned, key=lambda each: each.at.occurrence)
        self._scripts = 0
        self._violation: Violation | None = None
        self._bits: dict[str, Bits] = {}
        self._messages: list[tuple[InFlight, Sequence[bytes]]] = []
        self._kernel = Kernel()
        self._choices = Choices(seed, calm=calm)
        self._over = False
        self.observer = SimObserver(self._kernel, tuple(each.at for each in scenario.planned), self._take, self._begin)
        self.network = SimNetwork(self._kernel, self._choices, scenario.link)
        self.relay = SimRelay(self._kernel, self.observer.note)
        self._invariants = Invariants(self._violated)
        self._parties: dict[str, SimParty] = {}
        self._add_parties()

    @property
    def over(self) -> bool:
        """Whether all clients have finished."""
        return self._over

    def party(self, name: str) -> SimParty:
        """Return a party by name."""
        return self._parties[name]

    def run(self) -> Outcome:
        """Run to the end, or to the first violated invariant, and return the outcome."""
        with quiet():
            try:
                self._run()
            except StuckError as error:
                waiting = ", ".join(name for name, party in self._parties.items() if party.running)
                self._violated("liveness", f"{error}; still running: {waiting or 'nobody'}")
            finally:
                for party in self._parties.values():
                    if party.running:
                        party.process.kill()
        return Outcome(
            self._violation,
            self.observer.events,
            self._messages,
            self._kernel.now,
            self._bits,
            self._finals(),
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
        limit = self._scenario.timeout + LIVENESS_SECONDS
        self._kernel.run(lambda: self._stop_now(all(client.done for client in clients)), limit)
        self._over = True
        self.observer.look()
        limit = self._kernel.now + LIVENESS_SECONDS
        self._kernel.run(lambda: self._stop_now(not self._scripts and trunk.running), limit)
        if self._violation:
            return
        while not trunk.done and not self._violation:
            # A fault may kill the trunk while it stops, and restart it.
            self._kernel.run(lambda: self._stop_now(self.network.is_served), self._kernel.now + TRUNK_STOP_SECONDS)
            asked = trunk.process
            trunk.stop_asked(signal.SIGTERM)
            self._kernel.run(lambda: self._stop_now(not asked.alive), self._kernel.now + TRUNK_STOP_SECONDS)  # noqa: B023
        self._check_end()

    def _stop_now(self, done: bool) -> bool:  # noqa: FBT001 - a condition
        if self._violation:
            return True
        for party in self._parties.values():
            if party.problem:
                self._violated("completion", party.problem)
        return done or self._violation is not None

    def _check_end(self) -> None:
        if self._violation or self._expected is None:
            return
        finals = self._finals()
        for path, data in self._expected.finals.items():
            if finals.get(path) != data:
                self._violated("final state", f"{path} differs from the undisturbed run")
                return
        for session, found in self._bits.items():
            if len(found) < len(self._expected.bits[session]):
                self._violated("bits", f"session {session}: some tensors of the undisturbed run were not computed")

    def _violated(self, invariant: str, message: str) -> None:
        if self._violation is None:
            self._violation = Violation(invariant, message, self._kernel.now)

    def _take(self, event: Event) -> None:
        if event.party in self._parties:
            session = event.fields.get("session") or (SECOND_SESSION if event.party == "client-2" else SESSION)
            self._invariants.take(event, str(session))
        self._on_event(event)

    def _begin(self, event: Event) -> None:
        planned = next(each for each in self._planned if each.at.matches(event))
        self._planned.remove(planned)
        self._scripts += 1
        run_script(planned, event, self, self._end_script)

    def _end_script(self) -> None:
        self._scripts -= 1

    def answered(self, call: InFlight, request: Message, replies: Sequence[bytes]) -> None:
        """Check a request that was carried out and its replies, which are not sent yet."""
        self._messages.append((call, replies))
        self._invariants.answered(call, request, replies)

    def _add_parties(self) -> None:
        scenario = self._scenario
        sessions = {"client": (SESSION, scenario.config)}
        if scenario.second_client:
            sessions["client-2"] = (SECOND_SESSION, scenario.second_client)
        trunk_config = self._settings("trunk", SESSION, scenario.config)
        self._add("trunk", "", trunk_config, len(sessions))
        for name, (session, config) in sessions.items():
            self._add(name, session, self._settings("client", session, config), 0)

    def _settings(self, role: str, session: str, config: TrainingConfig) -> TrainingConfig:
        own = config.but(save_dir=SAVE_DIR, session=session, save_minutes=0, trunk_address="simulated:1")
        return self._scenario.settings_of(role, own)

    def _add(self, name: str, session: str, config: TrainingConfig, places: int) -> None:
        machine = Machine(name, self._choices)
        party = SimParty(name, machine, self._kernel, self.observer)
        parts, log = self._parts_of(config), self._new_log(name, session)
        program: ClientProgram | TrunkProgram
        if name == "trunk":
            # Not checked: the least that the setting may be is far more than the tensors of a simulated run take.
            short = config.model_copy(update={"max_pending_bytes": self._memory}) if self._memory else config
            program = TrunkProgram(
                party, short, parts, self.network, self.relay, self.observer, log, self._choices, self, places,
                self._scenario.idle_timeout,
            )  # fmt: skip
        else:
            program = ClientProgram(party, config, parts, self.network, self.observer, log)
        party.program = program.run
        party.supervised = any(isinstance(fault, DiskFault) for fault in self._scenario.faults)
        self._parties[name] = party

    def _new_log(self, name: str, session: str) -> TensorLog:
        if self._log_of is not None:
            return self._log_of(name)
        key = session or "trunk"
        self._bits[key] = Bits()
        # The trunk's log does not tell sessions apart: with two clients, only the trunk's final states are compared.
        told_apart = name != "trunk" or not self._scenario.second_client
        known = self._expected.bits[key] if self._expected and told_apart else None
        whole = self._scenario.record_steps
        return BitsLog(known, self._bits[key], lambda where: self._violated("bits", where), name, whole)

    def _finals(self) -> dict[str, bytes]:
        """Return the newest half of each session's checkpoint on each machine, by party, session and file name."""
        found = {}
        for name, party in self._parties.items():
            disk = party.machine.disk
            role = "trunk" if name == "trunk" else "client"
            for session in disk.names(SAVE_DIR):
                folder = SAVE_DIR / session / role
                halves = [each for each in disk.names(folder) if each.startswith("step-") and each.endswith(HALF)]
                if halves:
                    found[f"{name}:{session}/{max(halves)}"] = disk.read(folder / max(halves))
        return found


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
