"""What a diagnosis looks at: digests of both sides, whole tensors where they were kept, and events."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import torch
from safetensors.torch import load_file

from harness.judging.facts import RunFacts
from harness.oracle.compare import Divergence
from harness.oracle.digests import FINAL, Digests, Place, Quantity, read_digests, stage_of
from harness.oracle.distance import alike
from harness.oracle.uncut import load_model
from harness.recorder.format import TENSOR, whole_file

__all__ = ["Evidence", "Pair"]

# The run's tensor and the reference's, in double precision.
Pair = tuple[torch.Tensor, torch.Tensor]


class Evidence:
    """The first divergence of a run, and everything around it.

    Args:
        facts: of the run.
        first: the first tensor that differs.
    """

    def __init__(self, facts: RunFacts, first: Divergence) -> None:
        self.facts = facts
        self.first = first
        self.place = Place(first.step, first.microbatch, first.tensor)

    @property
    def kind(self) -> Quantity:
        """Which kind of quantity differs first."""
        return self.place.quantity

    @property
    def name(self) -> str:
        """The parameter, if it is one's; without the kind of quantity."""
        return self.place.tensor.partition("/")[2] or self.place.tensor

    @cached_property
    def ours(self) -> Digests:
        """What the run recorded."""
        return read_digests(folder / "digests.jsonl" for folder in self.facts.split.parts)

    @cached_property
    def theirs(self) -> Digests:
        """What the reference recorded."""
        return read_digests(folder / "digests.jsonl" for folder in self.facts.reference.parts)

    def differs(self, place: Place) -> bool:
        """Return whether a tensor that both have differs."""
        return place in self.ours and place in self.theirs and self.ours[place] != self.theirs[place]

    def at(self, tensor: str, *, step: int | None = None, microbatch: int | None = None) -> Place:
        """Return the place of another tensor of the same step, unless another is given."""
        return Place(self.first.step if step is None else step, microbatch, tensor)

    @cached_property
    def differing(self) -> Sequence[str]:
        """Names of the parameters that differ in the same way in the same step, the first one at the front."""
        prefix = self.place.tensor.removesuffix(self.name)
        places = [
            place
            for place in self.theirs
            if place.step == self.first.step and place.quantity == self.kind and place.microbatch is None
        ]
        wrong = sorted((place for place in places if self.differs(place)), key=lambda place: place.order)
        return [place.tensor.removeprefix(prefix) for place in wrong]

    @cached_property
    def siblings(self) -> Sequence[str]:
        """Names of the parameters of the first one's stage."""
        cuts, prefix = self.facts.scenario.config.cuts, "weight/"
        updated = {place.tensor for place in self.theirs if place.quantity == "updated weight"}
        return sorted(
            name.removeprefix(prefix) for name in updated if stage_of(name, cuts) == stage_of(self.place.tensor, cuts)
        )

    @cached_property
    def _initial(self) -> Mapping[str, torch.Tensor]:
        """The weights before the first step."""
        return {
            name: weight.detach().double() for name, weight in load_model(self.facts.scenario.config).named_parameters()
        }

    def dimensions(self, name: str) -> int:
        """Return how many dimensions a parameter has."""
        return self._initial[name].ndim

    def before(self) -> torch.Tensor | None:
        """Return the parameter that differs first as its step found it; None if it was not kept whole."""
        if not self.first.step:
            return self._initial[self.name]
        kept = self.loaded(self.at(f"weight/{self.name}", step=self.first.step - 1), of_reference=True)
        return None if kept is None else kept.double()

    def pair(self, place: Place) -> Pair | None:
        """Return a tensor of both sides; None if one was not kept whole, or they have different shapes."""
        pair = [self._loaded(folders, place) for folders in (self.facts.split.parts, self.facts.reference.parts)]
        ours, theirs = pair
        if ours is None or theirs is None or not alike(ours, theirs):
            return None
        return ours.double(), theirs.double()

    @cached_property
    def tensors(self) -> Pair | None:
        """The first tensors that differ."""
        if self.first.step == FINAL:
            return None
        return self.pair(self.place)

    def final(self, name: str) -> torch.Tensor | None:
        """Return a weight or optimizer state of the last checkpoint, by its name there; None if it is not there."""
        found = (load_file(path) for path in self.facts.split.finals if path.exists())
        return next((tensors[name] for tensors in found if name in tensors), None)

    def loaded(self, place: Place, *, of_reference: bool) -> torch.Tensor | None:
        """Return one side's tensor in its own precision; None if it was not kept whole."""
        side = self.facts.reference if of_reference else self.facts.split
        return self._loaded(side.parts, place)

    @staticmethod
    def _loaded(folders: Sequence[Path], place: Place) -> torch.Tensor | None:
        files = (folder / whole_file(place.step, place.microbatch, place.tensor) for folder in folders)
        found = next((file for file in files if file.exists()), None)
        return None if found is None else load_file(found)[TENSOR]
