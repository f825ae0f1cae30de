"""What runs share: the way to start programs, the proxy server, and references."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.processes import ColdStarter, Starter, WarmStarter
from harness.proxy.client import ToxiproxyClient
from harness.proxy.server_process import ProxyBackend, find_backend, running_proxy_server
from harness.references import References
from harness.scenario import Scenario

__all__ = ["RUNS", "Workshop", "open_workshop"]

RUNS = Path("reports/runs")
COLD_START_SECONDS = 20.0


@dataclass(frozen=True)
class Workshop:
    """What is opened once for many runs.

    Attributes:
        starter: starts trunks, clients and references.
        toxiproxy: the proxy server in use.
        backend: which server that is.
        references: trained so far.
        runs: folder of run folders.
        flags: of `harness run`, that make it use the same.
        start_seconds: that the start of a program may take, longer than that of a forked one.
    """

    starter: Starter
    toxiproxy: ToxiproxyClient
    backend: ProxyBackend
    references: References
    runs: Path
    flags: tuple[str, ...] = ()
    start_seconds: float = 0.0

    def replay(self, scenario: Scenario) -> str:
        """Give the command that runs a scenario again, in the same way."""
        return " ".join((scenario.replay, *self.flags))


@contextmanager
def open_workshop(
    runs: Path = RUNS, backend: ProxyBackend | None = None, *, cold: bool = False, seed: int = 0
) -> Iterator[Workshop]:
    """Open a workshop; everything it started ends with it.

    Args:
        runs: folder of run folders.
        backend: proxy server; None takes the best that is found.
        cold: start an interpreter for every program instead of forking a warmed one.
        seed: of an embedded proxy's random numbers.
    """
    best = find_backend()
    chosen = backend or best
    flags = (*(("--proxy", chosen.kind) if chosen.kind != best.kind else ()), *(("--cold",) if cold else ()))
    scratch = Path(tempfile.mkdtemp(prefix="splitlearn-workshop-"))
    try:
        with ExitStack() as stack:
            starter: Starter = stack.enter_context(ColdStarter()) if cold else stack.enter_context(WarmStarter())
            log = scratch / "toxiproxy.log"
            toxiproxy = stack.enter_context(running_proxy_server(chosen, seed=seed, log_path=log))
            references = References(starter, scratch / "references")
            slow = COLD_START_SECONDS if cold else 0.0
            yield Workshop(starter, toxiproxy, chosen, references, runs, flags, slow)
    finally:
        shutil.rmtree(scratch)
