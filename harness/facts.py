"""What is known of a finished run; every check reads this and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from safetensors import safe_open

from harness.events import Event
from harness.memory import MemorySample
from harness.oracle.compare import Equivalence, RunFiles, compare
from harness.scenario import Scenario

__all__ = ["RunFacts", "Traffic"]


@dataclass(frozen=True)
class Traffic:
    """Bytes that the proxy took in, in each of Toxiproxy's directions."""

    upstream: int
    downstream: int


@dataclass(frozen=True)
class RunFacts:
    """A finished run.

    Attributes:
        scenario: what was run.
        events: everything that was observed, in order of arrival.
        problem: why the run did not end by itself with success; empty when it did.
        split_steps: the client's metrics, the last entry of each step.
        reference_steps: the reference's metrics.
        split: the run's files.
        reference: the reference's files.
        traffic: bytes at the proxy; None without one.
        memory: of both parties, at every applied step.
    """

    scenario: Scenario
    events: Sequence[Event]
    problem: str
    split_steps: Sequence[Mapping[str, Any]]
    reference_steps: Sequence[Mapping[str, Any]]
    split: RunFiles
    reference: RunFiles
    traffic: Traffic | None
    memory: Sequence[MemorySample] = ()

    @cached_property
    def equivalence(self) -> Equivalence:
        """The comparison with the reference, made once; raises `OSError` where a file is missing."""
        return compare(self.split, self.reference, self.scenario.config.cuts, self.skipped_steps)

    @property
    def skipped_steps(self) -> frozenset[int]:
        """Steps that both sides skipped, for their norm was not finite."""
        ours, theirs = (
            {int(line["step"]) for line in lines if line["skipped"]}
            for lines in (self.split_steps, self.reference_steps)
        )
        return frozenset(ours & theirs)

    @property
    def hidden_size(self) -> int:
        """Width of the tensors at the cuts."""
        with safe_open(self.reference.finals[0], "pt") as file:
            return int(file.get_slice("weights/transformer.wte.weight").get_shape()[1])

    @property
    def missing_files(self) -> list[Path]:
        """Files without which nothing can be compared."""
        folders = (*self.split.records, *self.reference.records)
        wanted = [*(folder / "digests.jsonl" for folder in folders), *self.split.finals, *self.reference.finals]
        return [path for path in wanted if not path.exists()]

    def count(self, point: str) -> int:
        """Count the events of a point."""
        return sum(event.point == point for event in self.events)
