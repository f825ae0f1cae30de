"""Everything known of a finished run; checks read this and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from safetensors import safe_open

from harness.oracle.compare import Equivalence, RunFiles, compare
from harness.oracle.layouts import token_embedding
from harness.plan.scenario import Scenario
from harness.trace.event import Event
from harness.trace.memory_sample import MemorySample
from harness.trace.simulated_world import SimulatedWorld

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
        events: everything that was observed, in order of arrival, except what concerns another client.
        problem: why the run did not end by itself successfully; empty if it did.
        split_steps: the client's metrics, the last entry of each step.
        reference_steps: the reference's metrics.
        split: the run's files.
        reference: the reference's files.
        traffic: bytes at the proxy; None without one.
        memory: of both parties, at every applied step.
        crashes: crash messages by name of the log.
        halves: how many checkpoint files each side has left in the session's folder.
        exported: folder of the exported model; None if nothing was to be exported, or could be.
        others: facts of every other client at the same trunk, by party.
        world: the simulated one in which it ran; None if real programs ran.
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
    crashes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    halves: Mapping[str, int] = field(default_factory=dict)
    exported: Path | None = None
    others: "Mapping[str, RunFacts]" = field(default_factory=dict)
    world: SimulatedWorld | None = None

    @cached_property
    def equivalence(self) -> Equivalence:
        """The comparison with the reference, made once; raises `OSError` if a file is missing."""
        return compare(self.split, self.reference, self.scenario.config.cuts, self.skipped_steps, self.ended_at)

    @property
    def ended_at(self) -> int | None:
        """How many steps were done by a run that ended early; None if it did all."""
        done = max((int(line["step"]) + 1 for line in self.split_steps), default=0)
        return done if done < len(self.reference_steps) else None

    @property
    def skipped_steps(self) -> frozenset[int]:
        """Steps that both sides skipped because the norm was not finite."""
        ours, theirs = (
            {int(line["step"]) for line in lines if line["skipped"]}
            for lines in (self.split_steps, self.reference_steps)
        )
        return frozenset(ours & theirs)

    @property
    def hidden_size(self) -> int:
        """Width of the tensors at the cuts."""
        with safe_open(self.reference.finals[0], "pt") as file:
            names = [name.removeprefix("weights/") for name in file.keys()]  # noqa: SIM118 - no mapping
            return int(file.get_slice(f"weights/{token_embedding(names)}").get_shape()[1])

    @property
    def missing_files(self) -> list[Path]:
        """Files without which nothing can be compared."""
        folders = (*self.split.parts, *self.reference.parts)
        finals = (*self.split.finals, *self.reference.finals) if self.ended_at is None else ()
        wanted = [*(folder / "digests.jsonl" for folder in folders), *finals]
        return [path for path in wanted if not path.exists()]

    @property
    def events_of_all(self) -> list[Event]:
        """The events of all clients, in their order."""
        found = {event.number: event for facts in (self, *self.others.values()) for event in facts.events}
        return [found[number] for number in sorted(found)]

    def count(self, point: str) -> int:
        """Count the events of a point."""
        return sum(event.point == point for event in self.events)
