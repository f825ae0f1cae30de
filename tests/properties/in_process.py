"""A client and a trunk in this process that speak the protocol's own bytes, on machines of their own."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from signal import SIGTERM

from harness.oracle.compare import RunFiles
from splitlearn.client.stopping import StopRequest
from splitlearn.client.trainer import Trainer
from splitlearn.data import load_training_data
from splitlearn.determinism import make_deterministic
from splitlearn.models import FAMILY
from splitlearn.probe import NullProbe
from splitlearn.runtime import Runtime
from splitlearn.runtime.simulated import simulated_runtime
from splitlearn.tensor_log import FileTensorLog
from splitlearn.trunk.dispatch import Dispatch
from splitlearn.trunk.service import TrunkService
from splitlearn.trunk.sessions import Sessions
from splitlearn.wire.direct import DirectTransport
from splitlearn.wire.reliable import ReliableCalls, RetryPolicy
from splitlearn.wire.remote import RemoteTrunk

PARTIES = ("client", "trunk")


@dataclass
class InProcess:
    """Trains with the programs' own classes; only transport, clock, entropy, disk and locks are simulated.

    Attributes:
        wrap: makes the client's transport out of one that calls the trunk directly.
        resume: as for the command.
        stop_after: step after which the client is asked to stop; None lets it run to its end.
        runtime: machine of both; may outlive a run, so that the next one finds its checkpoints.
    """

    wrap: object = lambda transport: transport
    resume: str = "no"
    stop_after: int | None = None
    runtime: Runtime = field(default_factory=simulated_runtime)

    def __call__(self, config, folder):
        """Train; leave digests and the final halves in the folder."""
        with ExitStack() as stack:
            logs = [FileTensorLog(folder / party, []) for party in PARTIES]
            for log in logs:
                stack.callback(log._file.close)  # a process closes it by ending
            self._train(config, *logs)
        return RunFiles(tuple(folder / party for party in PARTIES), self._finals(config, folder))

    def _train(self, config, client_log, trunk_log):
        make_deterministic(config)
        stop = StopRequest(self.runtime.clock)
        stage, identity = FAMILY.load_client(config)
        transport = self.wrap(DirectTransport(Dispatch(self._service(config, trunk_log))))
        calls = ReliableCalls(transport, RetryPolicy(60.0, 1e6), self.runtime.clock, lambda *_: None)
        trainer = Trainer(
            stage,
            lambda: FAMILY.load_client(config)[0],
            identity,
            RemoteTrunk(calls, config, self.runtime),
            load_training_data(config),
            config,
            NullProbe(),
            client_log,
            self.runtime,
            stop,
            [Stopper(stop, self.stop_after)],
        )
        trainer.train(resume=self.resume)

    def _service(self, config, log):
        return TrunkService(
            config,
            FAMILY.load_trunk(config)[1],
            lambda: FAMILY.load_trunk(config)[0],
            Sessions(1, self.runtime.clock, self.runtime.entropy),
            NullProbe(),
            log,
            self.runtime.disk,
        )

    def _finals(self, config, folder):
        """Copy the newest halves to where the judge can read them."""
        disk, copies = self.runtime.disk, []
        for party in PARTIES:
            place = config.save_dir / config.session / party
            newest = max(name for name in disk.names(place) if name.startswith("step-"))
            copies.append(folder / f"{party}.safetensors")
            copies[-1].write_bytes(disk.read(place / newest))
        return tuple(copies)


@dataclass
class Stopper:
    """A sink of metrics that asks the client to stop after a step."""

    stop: StopRequest
    after: int | None

    def enter(self, report):
        """Do as a signal does."""
        if report.step == self.after:
            self.stop.received = SIGTERM
