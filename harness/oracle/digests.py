"""Recorded digests, and where each one belongs in the order of the computation."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.oracle.layouts import depth_of, part_of, turn_of
from splitlearn.cuts import Cuts

__all__ = ["FINAL", "Digests", "Place", "Quantity", "merged", "read_digests", "stage_of"]

# The step number that stands for the final state.
FINAL = -1

Quantity = Literal[
    "boundary",
    "loss",
    "gradient",
    "norm",
    "number",
    "updated weight",
    "updated optimizer state",
    "weight",
    "optimizer state",
]

# Which stage computes a tensor at a cut, and when within a microbatch.
BOUNDARIES = {
    "smashed": ("bottom", 0),
    "features": ("trunk", 1),
    "loss": ("top", 2),
    "features_grad": ("top", 3),
    "smashed_grad": ("trunk", 4),
}
# Inputs and results of a step's update, in the order of computation: first part of a recorded name.
UPDATE: dict[str, tuple[Quantity, int]] = {
    "norm": ("norm", 2),
    "client": ("number", 3),
    "trunk": ("number", 4),
    "number": ("number", 4),
    "weight": ("updated weight", 5),
    "optimizer_state": ("updated optimizer state", 6),
}


@dataclass(frozen=True)
class Place:
    """Identifies a tensor of a run: of a microbatch, or of a whole step."""

    step: int
    microbatch: int | None
    tensor: str

    @property
    def quantity(self) -> Quantity:
        """Which kind of quantity it is."""
        if self.tensor == "loss":
            return "loss"
        if self.microbatch is not None:
            return "boundary"
        kind, _, rest = self.tensor.partition("/")
        if self.step == FINAL:
            return "weight" if kind == "weights" else "optimizer state"
        return UPDATE[kind][0] if rest else "gradient"

    @property
    def order(self) -> tuple[int, int, int, int, int, str]:
        """A key that sorts by order of computation, so that the first difference causes the others."""
        if self.microbatch is None:
            kind, _, name = self.tensor.rpartition("/")
            turn = UPDATE[kind][1] if kind else 1
            return (self.step, turn, 0, -depth_of(name), turn_of(name), self.tensor)
        return (self.step, 0, self.microbatch, BOUNDARIES[self.tensor][1], 0, self.tensor)

    def __str__(self) -> str:
        """Return the place in words."""
        if self.step == FINAL:
            return self.tensor
        microbatch = "" if self.microbatch is None else f", microbatch {self.microbatch}"
        return f"{self.tensor} of step {self.step}{microbatch}"


Digests = dict[Place, str]


def read_digests(paths: Iterable[Path]) -> Digests:
    """Read what processes recorded.

    A tensor may occur several times: in a step that was repeated after a crash, or because two processes recorded it,
    as trunk and client do with fetched gradients. All must agree: if they do not, the place keeps every digest and
    equals no other. A line that was cut off when its process was killed is left out: the step was repeated, or is
    missing.
    """
    return merged(_lines(paths))


def merged(recorded: Iterable[tuple[Place, str]]) -> Digests:
    """Return the digest of each place; of a place with several, all of them, with blanks between."""
    found: defaultdict[Place, dict[str, None]] = defaultdict(dict)
    for place, digest in recorded:
        found[place][digest] = None
    return {place: " ".join(digests) for place, digests in found.items()}


def _lines(paths: Iterable[Path]) -> Iterator[tuple[Place, str]]:
    for path in paths:
        for line in path.read_text().splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue
            yield Place(entry["step"], entry["microbatch"], entry["tensor"]), entry["sha256"]


def stage_of(tensor: str, cuts: Cuts) -> str:
    """Name the stage that computes a tensor, or that a parameter belongs to."""
    if tensor in BOUNDARIES:
        return BOUNDARIES[tensor][0]
    kind, _, name = tensor.partition("/")
    if kind in ("client", "trunk"):
        return kind
    tensor = name if kind in UPDATE else tensor
    return part_of(tensor, cuts)
