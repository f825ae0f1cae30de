"""The benchmarks by name. Listing them imports none of them, so that `--help` answers at once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from harness.errors import UnusableError
from harness.plan.spelling import did_you_mean

if TYPE_CHECKING:
    from harness.bench.workbench import Workbench
    from harness.recording.schema import MeasurementRecord

__all__ = ["BENCHMARKS", "Benchmark", "benchmarks_named"]

PACKAGE = "harness.bench.benchmarks"


@dataclass(frozen=True)
class Benchmark:
    """A benchmark; the module of its name has a function `measure`, which yields one measurement after another.

    Attributes:
        name: the module's.
        what: is measured, in words.
    """

    name: str
    what: str

    def measure(self, workbench: "Workbench") -> "Iterator[MeasurementRecord]":
        """Yield the measurements as they are made."""
        measure: Callable[[Workbench], Iterator[MeasurementRecord]] = import_module(f"{PACKAGE}.{self.name}").measure
        return measure(workbench)


BENCHMARKS: Mapping[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (
        Benchmark("step", "a split step, connected directly, against one process with the same threads"),
        Benchmark("proxy", "the same through the proxy"),
        Benchmark("codecs", "encoding and decoding a tensor in each codec, against the codec raw"),
        Benchmark("checkpoint", "saving and restoring half a checkpoint, against a plain file of safetensors"),
    )
}


def benchmarks_named(names: Sequence[str]) -> list[Benchmark]:
    """Return the benchmarks of some names, or all of them; raises `UnusableError` for a name that none has."""
    for name in names:
        if name not in BENCHMARKS:
            known = ", ".join(BENCHMARKS)
            raise UnusableError(f"there is no benchmark {name!r}{did_you_mean(name, BENCHMARKS)}; there are {known}")
    return [BENCHMARKS[name] for name in dict.fromkeys(names or BENCHMARKS)]
