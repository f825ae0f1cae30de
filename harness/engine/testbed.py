"""What runs share: a starter for programs, the proxy server, references, and how scenarios are executed."""

import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from harness.engine.references import References
from harness.engine.references_here import StarterHere
from harness.engine.scratch import scratch_folder
from harness.judging.execution_result import ExecutionResult
from harness.output import must_take_files
from harness.plan.scenario import Scenario
from harness.plan.selection import is_in_catalogue
from harness.processes.starters import ColdStarter, Starter, WarmStarter
from harness.proxy.client import ToxiproxyClient
from harness.proxy.server_process import ProxyBackend, find_backend, running_proxy_server
from harness.recording.schema import ProxyRecord, Start
from harness.recording.writer import RunWriter
from harness.trace.event import Event

__all__ = ["RUNS", "Execute", "Testbed", "open_bare_testbed", "open_testbed"]

# Takes what to run, the writer of the run's folder, and what receives every event.
Execute: TypeAlias = Callable[[Scenario, RunWriter, Callable[[Event], None]], ExecutionResult]

RUNS = Path("reports/runs")
COLD_START_SECONDS = 20.0


@dataclass(frozen=True)
class Testbed:
    """Everything that is opened once for many runs.

    Attributes:
        starter: starts trunks, clients and references.
        toxiproxy: the proxy server in use; None if there is none, so that no scenario can have its topology.
        backend: which kind of server that is.
        references: trained so far.
        runs: folder of run folders.
        start: how programs and proxy were started, for a replay.
        flags: of `harness run`, to set it up the same way.
        materials: folder of files that scenarios need, made on demand.
        start_seconds: extra seconds that starting a program may take, compared with forking one.
        execute: executes a scenario in a simulated world; None to run real programs.
    """

    starter: Starter
    toxiproxy: ToxiproxyClient | None
    backend: ProxyBackend | None
    references: References
    runs: Path
    start: Start = field(default_factory=Start)
    flags: tuple[str, ...] = ()
    materials: Path = RUNS / "materials"
    start_seconds: float = 0.0
    execute: Execute | None = None

    def replay(self, scenario: Scenario, folder: Path) -> str:
        """Return the command that runs a scenario again in the same way: by its name, or as recorded in a folder."""
        drawn_alike = self.start.simulated in (None, scenario.config.seed)
        if is_in_catalogue(scenario) and drawn_alike:
            return " ".join((f"harness run {scenario.name} --seed {scenario.config.seed}", *self.flags))
        return f"harness replay {shlex.quote(str(folder))}"

    def simulated(self, execute: Execute, seed: int) -> "Testbed":
        """Return a testbed that shares everything with this one and executes scenarios in a simulated world.

        Args:
            execute: does so.
            seed: of that world.
        """
        return replace(self, execute=execute, start=Start(simulated=seed), start_seconds=0.0)

    def proxy_of(self, scenario: Scenario) -> ProxyRecord | None:
        """Return what lies between the parties, for the recording."""
        if self.start.simulated is not None:
            return ProxyRecord("simulated network", f"seed {self.start.simulated}")
        if self.backend is None or scenario.topology != "proxy":
            return None
        return ProxyRecord(self.backend.kind, self.backend.version)


@contextmanager
def open_testbed(
    runs: Path = RUNS,
    backend: ProxyBackend | None = None,
    *,
    cold: bool = False,
    seed: int = 0,
    flags: Sequence[str] = (),
) -> Iterator[Testbed]:
    """Open a testbed; everything that it started ends with it.

    Args:
        runs: folder of run folders.
        backend: proxy server; None means the best available.
        cold: start an interpreter for every program instead of forking a warmed one.
        seed: for an embedded proxy's random numbers.
        flags: of `harness run` that replay a run in the same way.

    Raises:
        UnusableError: `runs` is not writable.
    """
    chosen = backend or find_backend()
    must_take_files(runs, "runs are recorded", "--runs")
    scratch = Path(tempfile.mkdtemp(prefix="splitlearn-testbed-"))
    try:
        with ExitStack() as stack:
            starter: Starter = stack.enter_context(ColdStarter()) if cold else stack.enter_context(WarmStarter())
            log = scratch / "toxiproxy.log"
            toxiproxy = stack.enter_context(running_proxy_server(chosen, seed=seed, log_path=log))
            references = References(starter, scratch / "references")
            slow = COLD_START_SECONDS if cold else 0.0
            yield Testbed(
                starter,
                toxiproxy,
                chosen,
                references,
                runs,
                start=Start(chosen.kind, seed, cold),
                flags=tuple(flags),
                materials=scratch / "materials",
                start_seconds=slow,
            )
    finally:
        shutil.rmtree(scratch)


@contextmanager
def open_bare_testbed(runs: Path = RUNS, *, flags: Sequence[str] = ()) -> Iterator[Testbed]:
    """Open a testbed that starts nothing by itself, for simulated runs; references are trained in this process.

    Args:
        runs: folder of run folders.
        flags: of `harness run` that replay a run in the same way.

    Raises:
        UnusableError: `runs` is not writable.
    """
    must_take_files(runs, "runs are recorded", "--runs")
    with scratch_folder("testbed") as folder, StarterHere() as starter:
        references = References(starter, folder / "references")
        yield Testbed(
            starter, None, None, references, runs, flags=tuple(flags), materials=folder / "materials",
            start_seconds=COLD_START_SECONDS,
        )  # fmt: skip
