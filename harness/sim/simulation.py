"""One run of a scenario in a simulated world."""

import logging
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from harness.plan.faults import PARTIES, PartyName
from harness.plan.other_clients import SESSION
from harness.plan.planned import Planned
from harness.plan.scenario import Scenario
from harness.sim.bit_rot import alter_half
from harness.sim.choices import Choices
from harness.sim.kernel import Kernel, StuckError
from harness.sim.liveness import LIVENESS_SECONDS, Liveness
from harness.sim.machine import Machine
from harness.sim.network import SimNetwork
from harness.sim.observer import SimObserver
from harness.sim.outcome import Outcome
from harness.sim.parties import SAVE_DIR, Surroundings, finals_of, new_parties
from harness.sim.parts import Parts
from harness.sim.party import SimParty
from harness.sim.relay import SimRelay
from harness.sim.safety import Safety
from harness.sim.script import run_script
from harness.trace.event import Event
from splitlearn.config import TrainingConfig
from splitlearn.tensor_log import TensorLog

__all__ = ["Simulation", "quiet", "undisturbed"]

# Virtual seconds: how long a trunk may take to stop, and how long a run may take whose faults never end.
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
        self._on_event = on_event
        self._planned: list[Planned] = sorted(scenario.planned, key=lambda each: each.at.occurrence)
        self._liveness = Liveness(scenario.timeout)
        self._kernel = Kernel()
        self._choices = Choices(seed, calm=calm)
        self._over = False
        self.observer = SimObserver(self._kernel, tuple(each.at for each in scenario.planned), self._take, self._begin)
        self.network = SimNetwork(self._kernel, self._choices, scenario.link)
        self.relay = SimRelay(self._kernel, self.observer.note)
        self._safety = Safety(scenario, expected, lambda: self._kernel.now)
        self._parties = new_parties(
            scenario,
            Surroundings(self._kernel, self._choices, self.observer, self.network, self.relay, self._safety),
            parts_of,
            (lambda party, _session: log_of(party)) if log_of else self._safety.new_log,
            memory,
            step_seconds,
        )

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
                self._safety.violated("liveness", f"{error}; {self._still_running}")
            except Exception as error:  # noqa: BLE001 - whatever it is, the seed and its faults must be told
                self._safety.violated("crash", f"{type(error).__name__}: {error}")
            finally:
                self.network.forget_connections()
                for party in self._parties.values():
                    party.end_all()
        return Outcome(
            self._safety.violation,
            self.observer.events,
            self._safety.messages,
            self._kernel.now,
            self._safety.bits,
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
        if self._safety.violation:
            return
        while not trunk.done and not self._safety.violation:
            # A fault may kill the trunk while it stops, and restart it.
            self._kernel.run(lambda: self._stop_now(self.network.is_served), self._kernel.now + TRUNK_STOP_SECONDS)
            asked = trunk.process
            trunk.stop_asked(signal.SIGTERM)
            self._kernel.run(lambda: self._stop_now(not asked.alive), self._kernel.now + TRUNK_STOP_SECONDS)  # noqa: B023
        self._safety.check_end(finals_of(self._parties))

    @property
    def _at_rest(self) -> bool:
        """Whether all faults and superseded clients have ended, no fault has restarted a client, and a trunk runs."""
        trunk, *clients = self._parties.values()
        ended = all(client.done and client.superseded.have_ended for client in clients)
        return ended and trunk.running and self._liveness.undisturbed

    def _stop_now(self, done: bool) -> bool:  # noqa: FBT001 - a condition
        if self._safety.violation:
            return True
        for party in self._parties.values():
            if party.problem:
                self._safety.violated("completion", party.problem)
        if not self._over and (late := self._liveness.overrun(self._kernel.now)):
            self._safety.violated("liveness", f"{late}; {self._still_running}")
        return done or self._safety.violation is not None

    @property
    def _still_running(self) -> str:
        running = ", ".join(name for name, party in self._parties.items() if party.running)
        return f"still running: {running or 'nobody'}"

    def _take(self, event: Event) -> None:
        # What a superseded client has saved counts, too.
        if event.party in self._parties or event.point == "client.checkpoint.saved":
            self._safety.take(event)
        self._on_event(event)

    def _begin(self, event: Event) -> None:
        planned = next(each for each in self._planned if each.at.matches(event))
        self._planned.remove(planned)
        self._liveness.begin_script()
        run_script(planned, event, self, lambda: self._liveness.end_script(self._kernel.now))


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
