"""The programs of one execution, and the settings and flags that each is started with."""

from collections.abc import Sequence
from pathlib import Path

from harness.plan.other_clients import SESSION, OtherClient
from harness.plan.scenario import Scenario
from harness.processes.program import Program
from harness.processes.starters import Starter
from harness.recording.writer import RunWriter
from splitlearn.config import TrainingConfig

__all__ = ["Programs"]


class Programs:
    """Starts the trunk and the clients of a scenario.

    Args:
        scenario: to be executed.
        starter: starts them.
        writer: of the run, in whose folder settings, logs and tensors are kept.
        probe: socket to which the programs report their points.

    Attributes:
        config: the scenario's settings with this run's folders and names.
    """

    def __init__(self, scenario: Scenario, starter: Starter, writer: RunWriter, probe: Path) -> None:
        self._scenario = scenario
        self._starter = starter
        self._writer = writer
        self._probe = ["--probe", str(probe)]
        # With checkpoints by the minute, a run would depend on the machine's load.
        self.config = scenario.config.but(save_dir=writer.checkpoints, session=SESSION, save_minutes=0)

    def trunk(self, port: str) -> Program:
        """Start the trunk at a port, "0" for any."""
        others = self._scenario.other_clients
        places = ["--max-sessions", str(1 + len(others))] if others else []
        idle = ["--idle-timeout", str(self._scenario.idle_timeout)] if self._scenario.idle_timeout else []
        return self._start("trunk", ["trunk", "--port", port, *places, *idle, *self._flags("trunk", self.config)])

    def client(self, trunk_address: str, *, again: bool) -> Program:
        """Start the client, for the first time or to continue what it has saved."""
        resume = ["--resume", "auto"] if again else []
        flags = self._flags("client", self.config.but(trunk_address=trunk_address))
        return self._start("client", ["train", *resume, *flags])

    def other_client(self, other: OtherClient, trunk_address: str) -> Program:
        """Start another client; of its tensors, only digests are kept."""
        own = other.config.but(
            save_dir=self._writer.checkpoints, session=other.session, save_minutes=0, trunk_address=trunk_address
        )
        path, folder = self._writer.folder / f"{other.party}.json", self._writer.tensors(other.party)
        self._scenario.settings_of("client", own).save(path)
        observed = [*self._probe, "--party", other.party]
        return self._start(other.party, ["train", "--config", str(path), "--record", str(folder), *observed])

    def _start(self, name: str, argv: Sequence[str]) -> Program:
        return self._starter.start(name, "splitlearn", argv, self._writer.logs / f"{name}.log")

    def _flags(self, party: str, config: TrainingConfig) -> list[str]:
        path = self._writer.folder / f"{party}.json"
        self._scenario.settings_of(party, config).save(path)
        whole = self._scenario.record_steps
        steps = ["--record-steps", *map(str, whole)] if whole else []
        return ["--config", str(path), *self._probe, "--record", str(self._writer.tensors(party)), *steps]
