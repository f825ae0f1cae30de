"""The step of a training whose client reaches the trunk through the proxy, against one process."""

from collections.abc import Iterator
from contextlib import contextmanager

from harness.bench.step_times import step_times
from harness.bench.workbench import Workbench
from harness.recording.schema import MeasurementRecord

__all__ = ["measure"]

NAME = "bench"


def measure(workbench: Workbench) -> Iterator[MeasurementRecord]:
    """Yield the measurement of every workload and number of microbatches."""

    @contextmanager
    def through_proxy(address: str) -> Iterator[str]:
        proxy = workbench.toxiproxy.create_proxy(NAME, address)
        try:
            yield proxy.listen
        finally:
            proxy.destroy()

    return step_times("proxy", f"split, through the {workbench.backend.kind} proxy", workbench, through_proxy)
