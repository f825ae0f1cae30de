"""Runs a scenario: real client and trunk, the network between them, faults, and the verdict."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.director import FaultDirector
from harness.errors import HarnessError
from harness.facts import RunFacts, Traffic
from harness.judge import judge
from harness.network import Network, link_toxics
from harness.observer import At, Event, Observer
from harness.oracle.compare import RunFiles
from harness.processes import Program
from harness.proxy.errors import ProxyServerError
from harness.record import RunRecord, read_lines
from harness.references import Reference
from harness.scenario import Scenario
from harness.verdict import CheckResult, Verdict
from harness.workshop import Workshop
from splitlearn.config import TrainingConfig
from splitlearn.wire.errors import WireError
from splitlearn.wire.health import wait_until_serving

__all__ = ["RunOutcome", "run_scenario"]

START_TIMEOUT = 90.0
COUNTERS_TIMEOUT = 5.0
SESSION = "run"


@dataclass(frozen=True)
class RunOutcome:
    """A judged run; its folder has everything else."""

    scenario: Scenario
    folder: Path
    verdict: Verdict
    checks: tuple[CheckResult, ...]


def ignore(_event: Event) -> None:
    """Do nothing with an event."""


def run_scenario(
    scenario: Scenario,
    workshop: Workshop,
    on_event: Callable[[Event], None] = ignore,
    whole_steps: Iterable[int] = (),
) -> RunOutcome:
    """Run, judge and record a scenario.

    Args:
        scenario: what to run.
        workshop: what to run it with.
        on_event: told of every event as it comes.
        whole_steps: steps whose gradients and cut tensors are kept whole.

    Raises:
        HarnessError: the reference or the proxy failed; a failure of the system under test is a verdict, not an error.
    """
    record = RunRecord(workshop.runs, scenario)
    steps = tuple(whole_steps)
    reference = workshop.references.get(scenario.config, steps)
    if scenario.timed:
        reference.wait(scenario.timeout)
    attempt = Attempt(scenario, workshop, record, on_event, steps)
    problem, traffic = attempt.run()
    facts = _facts(scenario, record, attempt.events, problem, traffic, reference)
    return RunOutcome(scenario, record.folder, *judge(facts, record, workshop))


class Attempt:
    """One execution of a scenario, until both programs have ended."""

    def __init__(
        self,
        scenario: Scenario,
        workshop: Workshop,
        record: RunRecord,
        on_event: Callable[[Event], None],
        whole_steps: tuple[int, ...],
    ) -> None:
        self.events: list[Event] = []
        self._scenario = scenario
        self._workshop = workshop
        self._record = record
        self._on_event = on_event
        self._whole_steps = whole_steps
        self._config = scenario.config.but(save_dir=record.checkpoints, session=SESSION)
        self._director = FaultDirector(scenario.faults)
        self._over = threading.Event()
        self._network: Network | None = None
        self._observer = Observer(tuple(fault.at for fault in scenario.faults), self._take)

    def run(self) -> tuple[str, Traffic | None]:
        """Execute; returns why the run did not succeed (empty when it did), and the traffic at the proxy."""
        problem, traffic = "", None
        try:
            with self._observer:
                try:
                    if self._scenario.topology == "local":
                        self._train("local")
                    else:
                        traffic = self._run_remote()
                except ProxyServerError:
                    raise  # says nothing of the system under test
                except HarnessError as error:
                    problem = str(error)
                finally:
                    self._over.set()
                    self._director.finish(START_TIMEOUT)
        finally:
            # Only when the observer has ended has everything been heard that the processes said.
            self.events = list(self._observer.events)
            self._record.close()
        return problem, traffic

    def _run_remote(self) -> Traffic | None:
        argv = ["trunk", "--port", "0", *self._flags("trunk", self._config)]
        with self._program("trunk", argv) as trunk:
            ready = self._observer.wait_for(At("trunk.server.ready"), START_TIMEOUT, meanwhile=trunk.must_run)
            address = str(ready.fields["address"])
            require_health(address)
            try:
                return self._train_with(address)
            except HarnessError:
                trunk.must_run()  # where the trunk ended first, its end is the reason
                raise

    def _train_with(self, trunk: str) -> Traffic | None:
        if self._scenario.topology == "direct":
            self._train(trunk)
            return None
        name = self._record.folder.name
        proxy = self._workshop.toxiproxy.create_proxy(name, trunk)
        try:
            for toxic in link_toxics(self._scenario.link):
                proxy.add_toxic(toxic)
            self._network = Network(proxy, self._observer, self._over)
            self._train(proxy.listen)
            # The real server does not count what a connection carried that was broken.
            return None if self._scenario.faults else self._traffic(name)
        finally:
            proxy.destroy()

    def _train(self, address: str) -> None:
        config = self._config.but(trunk_address=address)
        with self._program("client", ["train", *self._flags("client", config)]) as client:
            status = client.wait(self._scenario.timeout)
            if status:
                raise HarnessError(f"the client ended with status {status}; its log ends:\n{client.last_lines()}")

    def _flags(self, party: str, config: TrainingConfig) -> list[str]:
        path = self._record.folder / f"{party}.json"
        config.save(path)
        steps = ["--record-steps", *map(str, self._whole_steps)] if self._whole_steps else []
        observed = ["--probe", str(self._observer.path), "--record", str(self._record.recorder(party)), *steps]
        return ["--config", str(path), *observed]

    @contextmanager
    def _program(self, name: str, argv: list[str]) -> Iterator[Program]:
        program = self._workshop.starter.start(name, "splitlearn", argv, self._record.logs / f"{name}.log")
        try:
            yield program
        finally:
            status = program.stop()
        if status:
            raise HarnessError(f"the {name} ended with status {status}; its log ends:\n{program.last_lines()}")

    def _take(self, event: Event) -> None:
        self._record.event(event)
        if event.release is not None:
            assert self._network is not None, "only runs through the proxy have faults"
            self._director.take(event, self._network, self._observer)
        self._on_event(event)

    def _traffic(self, name: str) -> Traffic:
        """Read the proxy's counters, which may move only when the connection's end has been noticed."""
        pause = threading.Event()
        for _ in range(int(COUNTERS_TIMEOUT / 0.05)):
            counters = self._workshop.toxiproxy.byte_counters(name)
            if counters.upstream and counters.downstream:
                break
            pause.wait(0.05)
        return Traffic(counters.upstream, counters.downstream)


def require_health(address: str) -> None:
    """Wait until the trunk's health service says that it serves; raises `HarnessError`."""
    try:
        wait_until_serving(address, START_TIMEOUT)
    except WireError as error:
        raise HarnessError(f"the trunk at {address} does not serve: {error.message}") from None


def _facts(
    scenario: Scenario,
    record: RunRecord,
    events: list[Event],
    problem: str,
    traffic: Traffic | None,
    reference: Reference,
) -> RunFacts:
    folder = reference.wait(scenario.timeout)
    metrics = read_lines(record.checkpoints / SESSION / "client" / "metrics.jsonl")
    last_of_step = {line["step"]: line for line in metrics}
    halves = [
        sorted((record.checkpoints / SESSION / party).glob("step-*.safetensors")) for party in ("client", "trunk")
    ]
    finals = tuple(half[-1] if half else record.checkpoints / SESSION / "step-missing" for half in halves)
    parties = ("client",) if scenario.topology == "local" else ("client", "trunk")
    return RunFacts(
        scenario=scenario,
        events=events,
        problem=problem,
        split_steps=[last_of_step[step] for step in sorted(last_of_step)],
        reference_steps=read_lines(folder / "reference.jsonl"),
        split=RunFiles(tuple(record.recorder(party) for party in parties), finals),
        reference=RunFiles((folder,), (folder / "final.safetensors",)),
        traffic=traffic,
    )
