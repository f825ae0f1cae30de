"""What benchmarks work with: programs, the proxy and a folder, each opened when it is first needed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.engine.quiet import machine_for
from harness.processes.starters import Starter, WarmStarter
from harness.proxy.client import ToxiproxyClient
from harness.proxy.server_process import ProxyBackend, running_proxy_server

__all__ = ["Workbench", "open_workbench"]


class Workbench:
    """Everything that benchmarks share.

    Args:
        folder: for files that nobody keeps.
        backend: kind of the proxy server.
        stack: ends what was started.
        quick: whether few pairs are enough, for trying out.
    """

    def __init__(self, folder: Path, backend: ProxyBackend, stack: ExitStack, *, quick: bool) -> None:
        self.folder = folder
        self.backend = backend
        self.quick = quick
        self._stack = stack

    @cached_property
    def starter(self) -> Starter:
        """Starts programs."""
        return self._stack.enter_context(WarmStarter())

    @cached_property
    def toxiproxy(self) -> ToxiproxyClient:
        """The proxy server."""
        log = self.folder / "toxiproxy.log"
        return self._stack.enter_context(running_proxy_server(self.backend, seed=0, log_path=log))

    @contextmanager
    def fresh_folder(self) -> Iterator[Path]:
        """Provide an empty folder, and remove it at the end of the `with` block."""
        with TemporaryDirectory(dir=self.folder) as folder:
            yield Path(folder)


@contextmanager
def open_workbench(
    runs: Path, backend: ProxyBackend, *, quick: bool, on_wait: Callable[[str], None] = lambda _: None
) -> Iterator[Workbench]:
    """Open a workbench, as soon as no scenario runs in that folder of runs; what it started ends with it.

    Args:
        runs: scenarios that are recorded there wait until the benchmarks are done.
        backend: kind of the proxy server.
        quick: whether few pairs are enough, for trying out.
        on_wait: called with what is waited for, if a scenario runs.
    """
    # On a disk, not in memory: saving a checkpoint waits for it.
    with (
        machine_for(runs, alone=True, on_wait=on_wait),
        TemporaryDirectory(prefix="splitlearn-bench-") as folder,
        ExitStack() as stack,
    ):
        yield Workbench(Path(folder), backend, stack, quick=quick)
