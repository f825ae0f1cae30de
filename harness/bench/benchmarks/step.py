"""The step of a training whose client and trunk are connected directly, against one process."""

from collections.abc import Iterator
from contextlib import nullcontext

from harness.bench.step_times import step_times
from harness.bench.workbench import Workbench
from harness.recording.schema import MeasurementRecord

__all__ = ["measure"]


def measure(workbench: Workbench) -> Iterator[MeasurementRecord]:
    """Yield the measurement of every workload and number of microbatches."""
    return step_times("step", "split, connected directly", workbench, nullcontext)
