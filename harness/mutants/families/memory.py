"""Memory leaks and unnecessary work."""

import torch

from harness.judging.diagnosis.cause import Cause
from harness.mutants.instead import Right, instead
from harness.mutants.mutant import mutant
from harness.mutants.scenarios import DIRECT, LONG
from splitlearn.client.saving import SaveSchedule
from splitlearn.client.step import TrainingStep
from splitlearn.trunk.session import TrunkSession
from splitlearn.trunk.tape import Graph, Tape, TapeEntry
from splitlearn.wire.trunk_link import Commit, Position

__all__: list[str] = []


@mutant("classic: a list of losses with their graphs", "client", DIRECT, Cause.MEMORY)
def hoard_what_every_step_has_computed() -> None:
    """The client keeps 64 MiB of every step."""
    hoard: list[bytes] = []

    @instead(TrainingStep, "_commit")
    def commit(right: Right, self: TrainingStep, step: int, norm: float) -> Commit:
        hoard.append(b"1" * (64 << 20))
        decided: Commit = right(self, step, norm)
        return decided


@mutant("classic: a cache that only grows", "trunk", LONG, Cause.MEMORY)
def never_free_a_tape() -> None:
    """The trunk keeps the inputs of every step."""
    kept: list[TapeEntry] = []

    @instead(Tape, "clear")
    def clear(right: Right, self: Tape) -> None:
        kept.extend(self.entries.values())
        right(self)


@mutant("classic: activation checkpointing that nobody asked for", "trunk", DIRECT, Cause.WASTE)
def compute_every_graph_again() -> None:
    """The trunk computes every forward pass again for its backward pass."""

    @instead(TrunkSession, "forward")
    def forward(right: Right, self: TrunkSession, at: Position, *others: object) -> torch.Tensor:
        features_BTH: torch.Tensor = right(self, at, *others)
        self._tape.entries[at.microbatch].graph = None
        return features_BTH


@mutant("classic: a forward pass for a log", "trunk", DIRECT, Cause.WASTE)
def compute_every_forward_pass_twice() -> None:
    """The trunk computes every forward pass twice."""

    @instead(TrunkSession, "_graph")
    def graph(right: Right, self: TrunkSession, at: Position, entry: TapeEntry) -> Graph:
        if entry.graph is None:
            right(self, at, entry)
            entry.graph = None
        made: Graph = right(self, at, entry)
        return made


@mutant("classic: a condition that is always true", "client", DIRECT, Cause.WASTE)
def save_every_step() -> None:
    """A checkpoint is written after every step."""

    @instead(SaveSchedule, "is_due")
    def is_due(_right: Right, _self: SaveSchedule, _applied: int) -> bool:
        return True


@mutant("classic: a message that rides and goes by itself, too", "client", DIRECT, Cause.WASTE)
def commit_by_itself_too() -> None:
    """Every commit is also sent by itself."""

    @instead(TrainingStep, "_commit")
    def commit(right: Right, self: TrainingStep, step: int, norm: float) -> Commit:
        decided: Commit = right(self, step, norm)
        self._trunk.commit(decided)
        return decided
