"""Runs benchmarks one after another; what one of them cannot measure does not keep the others from it."""

import time
from collections.abc import Callable, Sequence

from harness.bench.registry import Benchmark
from harness.bench.workbench import Workbench
from harness.recording.environment import commit, machine, versions
from harness.recording.schema import BenchRecord, EnvironmentRecord, MeasurementRecord, ProxyRecord

__all__ = ["run_benchmarks"]

THREADS = 1


def run_benchmarks(
    benchmarks: Sequence[Benchmark], workbench: Workbench, on_measurement: Callable[[MeasurementRecord], None]
) -> BenchRecord:
    """Run benchmarks and return what they measured, and what they could not.

    Args:
        benchmarks: at least one.
        workbench: has what they need.
        on_measurement: called with each measurement as soon as it is made.
    """
    source, began = commit(), time.monotonic()  # before anything in it can change
    measurements: list[MeasurementRecord] = []
    missing = {}
    for benchmark in benchmarks:
        before = len(measurements)
        try:
            for measurement in benchmark.measure(workbench):
                measurements.append(measurement)
                on_measurement(measurement)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others must still take place
            missing[benchmark.name] = f"{type(error).__name__}: {error}"
        else:
            if len(measurements) == before:
                missing[benchmark.name] = "it measured nothing"
    return BenchRecord(
        "VOID" if missing else "PASS",
        tuple(measurements),
        missing,
        EnvironmentRecord(
            versions=versions(),
            machine=machine(),
            threads=THREADS,
            proxy=ProxyRecord(workbench.backend.kind, workbench.backend.version),
            commit=source,
        ),
        workbench.quick,
        round(time.monotonic() - began, 1),
    )
