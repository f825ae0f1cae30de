"""Times split steps and those of one process in turn, for every workload and number of microbatches."""

from collections.abc import Iterator
from functools import partial

from harness.bench.intervals import measurement
from harness.bench.pairs import pairs_of
from harness.bench.trainings import WARM_UP, Way, single_step, split_step
from harness.bench.workbench import Workbench
from harness.bench.workloads import WORKLOADS
from harness.recording.schema import Figures, MeasurementRecord

__all__ = ["step_times"]

MICROBATCHES = (1, 4, 8)
PAIRS, QUICK_PAIRS = 15, 3
# Of each training; a sample is the median of those after the warm-up.
STEPS, QUICK_STEPS = WARM_UP + 4, WARM_UP + 2


def step_times(name: str, b_is: str, workbench: Workbench, way: Way) -> Iterator[MeasurementRecord]:
    """Yield the measurement of every workload and number of microbatches.

    Args:
        name: of the benchmark.
        b_is: the split run, in words.
        workbench: has what is needed.
        way: between client and trunk.
    """
    pairs, steps = (QUICK_PAIRS, QUICK_STEPS) if workbench.quick else (PAIRS, STEPS)
    for workload in WORKLOADS:
        for microbatches in MICROBATCHES:
            config = workload.config(workbench.folder, microbatches, steps)
            taken = pairs_of(
                pairs, partial(single_step, workbench, config), partial(split_step, workbench, config, way)
            )
            figures: Figures = {
                "model": str(workload),
                "microbatches": microbatches,
                "threads": config.threads,
                "steps in a sample": steps - WARM_UP,
            }
            yield measurement(f"{name}/{workload.name}-M{microbatches}", "one process", b_is, taken, figures)
