"""Runs benchmarks one after another; what one of them cannot measure does not keep the others from it."""

import time
from collections.abc import Callable, Mapping, Sequence

from harness.bench.registry import Benchmark
from harness.bench.workbench import Workbench
from harness.recording.environment import commit, machine, versions
from harness.recording.schema import BenchRecord, EnvironmentRecord, MeasurementRecord, ProxyRecord, VerdictWord

__all__ = ["run_benchmarks"]

THREADS = 1
INTERRUPTED = "interrupted"


def run_benchmarks(
    benchmarks: Sequence[Benchmark],
    workbench: Workbench,
    on_measurement: Callable[[MeasurementRecord], None],
    on_end: Callable[[BenchRecord], None],
) -> BenchRecord:
    """Run benchmarks and return what they measured, and what they could not.

    Args:
        benchmarks: at least one.
        workbench: has what they need.
        on_measurement: called with each measurement as soon as it is made.
        on_end: called with everything at the end, also if the user ends it before its time.
    """
    source, began = commit(), time.monotonic()  # before anything in it can change
    measurements: list[MeasurementRecord] = []
    missing = {benchmark.name: INTERRUPTED for benchmark in benchmarks}
    try:
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
                else:
                    del missing[benchmark.name]
    finally:
        # Hours of results must not be lost, whatever ends the remaining benchmarks.
        found = _found(measurements, missing, workbench, source, time.monotonic() - began)
        on_end(found)
    return found


def _found(
    measurements: Sequence[MeasurementRecord],
    missing: Mapping[str, str],
    workbench: Workbench,
    source: str,
    seconds: float,
) -> BenchRecord:
    environment = EnvironmentRecord(
        versions=versions(),
        machine=machine(),
        threads=THREADS,
        proxy=ProxyRecord(workbench.backend.kind, workbench.backend.version),
        commit=source,
    )
    verdict: VerdictWord = "VOID" if missing else "PASS"
    return BenchRecord(verdict, tuple(measurements), missing, environment, workbench.quick, round(seconds, 1))
