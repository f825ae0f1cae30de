"""The simulated `splitlearn train` and `splitlearn trunk`: the production code, wired to simulated ports."""

import signal
from dataclasses import dataclass

from harness.sim.choices import Choices
from harness.sim.computing import ComputingProbe
from harness.sim.kernel import Signal
from harness.sim.network import SimNetwork
from harness.sim.observer import SimObserver, SimProbe
from harness.sim.parts import Parts
from harness.sim.party import SimParty
from harness.sim.process import Process
from harness.sim.relay import SimRelay
from harness.sim.server import Monitor, SimServer
from harness.sim.transport import SimTransport
from splitlearn.client.stopping import StopRequest
from splitlearn.client.trainer import Trainer
from splitlearn.commands.connect import connected
from splitlearn.config import TrainingConfig
from splitlearn.probe import Probe
from splitlearn.tensor_log import TensorLog
from splitlearn.trunk.boot_count import next_boot, only_trunk
from splitlearn.trunk.dispatch import Dispatch
from splitlearn.trunk.service import TrunkService
from splitlearn.trunk.sessions import IDLE_TIMEOUT, Sessions
from splitlearn.trunk.stopping import STOP_GRACE, let_clients_save

__all__ = ["ClientProgram", "TrunkProgram"]

# Virtual seconds between checks for idle sessions, as in the real server.
TIDY_SECONDS = 1.0
STOP_LOOK_SECONDS = 0.001


@dataclass
class ClientProgram:
    """The program of a client, `splitlearn train`.

    Attributes:
        party: the client.
        config: the client's settings.
        parts: the model and the data.
        network: the network to the trunk.
        observer: receives the points that the program passes.
        tensor_log: records the client's tensors.
        step_seconds: virtual seconds for which it computes in every step.
    """

    party: SimParty
    config: TrainingConfig
    parts: Parts
    network: SimNetwork
    observer: SimObserver
    tensor_log: TensorLog
    step_seconds: float

    def run(self, process: Process, again: bool) -> int:  # noqa: FBT001 - the signature of a program
        """Train to the last step, or until asked to stop; return the exit status.

        Args:
            process: the process in which to run.
            again: whether the client has run before, and resumes from a checkpoint if there is one.
        """
        runtime = self.party.machine.runtime_for(process)
        probe: Probe = SimProbe(process, self.observer)
        if self.step_seconds:
            probe = ComputingProbe(probe, process, self.step_seconds)
        stop = StopRequest(runtime.clock)
        self.party.stop_asked = stop.ask
        with connected(
            self.config,
            self.parts.identity,
            probe,
            self.tensor_log,
            runtime,
            stop.raise_if_asked,
            lambda _config, on_state: SimTransport(process, self.network, on_state),
        ) as trunk:
            trainer = Trainer(
                self.parts.new_client(),
                self.parts.new_client,
                self.parts.identity,
                trunk,
                self.parts.data,
                self.config,
                probe,
                self.tensor_log,
                runtime,
                stop,
            )
            result = trainer.train(resume="auto" if again else "no")
        return 128 + signal.SIGTERM if result.stopped else 0


@dataclass
class TrunkProgram:
    """The program of the trunk, `splitlearn trunk`.

    Attributes:
        party: the trunk.
        config: the trunk's settings.
        parts: the model.
        network: the network on which it listens.
        relay: passes the network's requests on to the trunk's server.
        observer: receives the points that the program passes.
        tensor_log: records the trunk's tensors.
        choices: decide how long each request takes.
        monitor: observes every request that is carried out.
        max_sessions: maximum number of sessions at a time.
        idle_timeout: virtual seconds until a silent client's session is closed; 0 means the default.
    """

    party: SimParty
    config: TrainingConfig
    parts: Parts
    network: SimNetwork
    relay: SimRelay
    observer: SimObserver
    tensor_log: TensorLog
    choices: Choices
    monitor: Monitor
    max_sessions: int
    idle_timeout: float

    def run(self, process: Process, again: bool) -> int:  # noqa: FBT001 - the signature of a program
        """Serve until asked to stop; return the exit status.

        Args:
            process: the process in which to run.
            again: whether the trunk has run before; without effect.
        """
        runtime = self.party.machine.runtime_for(process)
        probe = SimProbe(process, self.observer)
        stopping = Signal(process.kernel)
        self.party.stop_asked = lambda _number: stopping.set()
        with only_trunk(self.config.save_dir, runtime):
            probe.point("trunk.server.starting")
            boot = next_boot(self.config.save_dir, runtime)
            idle = self.idle_timeout or IDLE_TIMEOUT
            sessions = Sessions(self.max_sessions, runtime.clock, runtime.entropy, boot, idle)
            service = TrunkService(
                self.config, self.parts.identity, self.parts.new_trunk, sessions, probe, self.tensor_log, runtime.disk,
                self.parts.activations_of(self.config),
            )  # fmt: skip
            server = SimServer(process, Dispatch(service), self.choices, self.monitor)
            with runtime.clock.repeating(lambda: server.put(service.close_idle), TIDY_SECONDS, "tidy"):
                self.relay.trunk = server
                self.network.listen(self.relay)
                process.on_gone(self._leave)
                probe.point("trunk.server.ready", address="simulated")
                process.wait_for(stopping)
                probe.point("trunk.server.stopping")
                let_clients_save(service, lambda: False, STOP_GRACE, runtime.clock)
                while not server.idle:
                    process.sleep(STOP_LOOK_SECONDS)
        return 0

    def _leave(self) -> None:
        """Stop listening, and close all connections."""
        self.relay.trunk = None
        self.network.listen(None)
