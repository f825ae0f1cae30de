"""Compares a split run with the reference, bit for bit: every digest, then every final weight and optimizer state."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file

from harness.oracle.digests import FINAL, Digests, Place, read_digests, stage_of
from harness.oracle.distance import Distance, alike, distance
from harness.oracle.exactness import bits
from harness.oracle.rows import Compared, Row, rows_of
from harness.recorder.format import TENSOR, whole_file
from splitlearn.cuts import Cuts

__all__ = ["Divergence", "Equivalence", "Row", "RunFiles", "compare"]


@dataclass(frozen=True)
class RunFiles:
    """What a run left for the judge.

    Attributes:
        parts: folders of the processes' tensor logs; one for the reference.
        shared_parts: folders of tensor logs that also hold other runs.
        finals: safetensors with `weights/…` and `optimizer_state/…`; both halves, or one file of the reference.
    """

    parts: tuple[Path, ...]
    finals: tuple[Path, ...]
    shared_parts: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Divergence:
    """The first tensor, in the order of computation, that differs from the reference.

    `index`, `split` and `reference` are None if the tensors themselves were not recorded.
    """

    step: int
    microbatch: int | None
    stage: str
    tensor: str
    index: tuple[int, ...] | None
    split: float | None
    reference: float | None


@dataclass(frozen=True)
class Equivalence:
    """The comparison of a run with the reference.

    Attributes:
        rows: one for each quantity and stage.
        missing: tensors that only one side has in that shape and dtype; empty in a complete run.
        ulp_histogram: elements of final weights and optimizer state by their distance, in powers of two.
        first_divergence: None if everything is equal.
        weights_close: whether `torch.allclose` at its default tolerance accepts every final weight, for comparison
            with what is usual; None if none were compared.
    """

    rows: tuple[Row, ...]
    missing: tuple[str, ...]
    ulp_histogram: Mapping[int, int]
    first_divergence: Divergence | None
    weights_close: bool | None = None

    @property
    def compared(self) -> int:
        """Number of tensors compared."""
        return sum(row.compared for row in self.rows)

    @property
    def differing(self) -> int:
        """Number of tensors that differ."""
        return sum(row.differing for row in self.rows)

    @property
    def worst_ulp(self) -> int | None:
        """Largest distance of a final weight or optimizer state; None if some are not finite or none was measured."""
        known = [row.max_ulp for row in self.rows if row.max_ulp is not None]
        return max(known) if known and min(known) >= 0 else None


def compare(
    split: RunFiles,
    reference: RunFiles,
    cuts: Cuts,
    skipped_steps: Collection[int] = frozenset(),
    ended_at: int | None = None,
) -> Equivalence:
    """Compare everything that was recorded; raises `OSError` if a file is missing.

    Args:
        split: what the run left.
        reference: what it should be.
        cuts: the model's.
        skipped_steps: steps for which the reference has tensors that the run could not send because they were not
            finite, and gradients that the run abandoned midway; both are left out.
        ended_at: number of steps of a run that ended early. Later tensors are compared if present and not missed if
            absent, nor is the commit of its last step, which no later request carried to the trunk. Its
            checkpoints, which belong to an earlier step, are not compared with the final weights.
    """
    theirs = _without_forgotten(_digests(reference.parts), skipped_steps)
    shared = _of_this_run(_digests(split.shared_parts), theirs)
    ours = {**shared, **_without_forgotten(_digests(split.parts), skipped_steps)}
    final, final_reference = ({}, {}) if ended_at is not None else (_load(split.finals), _load(reference.finals))
    unlike = {name for name in final.keys() & final_reference.keys() if not alike(final[name], final_reference[name])}
    both = sorted((final.keys() & final_reference.keys()) - unlike)
    distances = {name: distance(final[name], final_reference[name]) for name in both}
    absent = theirs.keys() - ours.keys()
    unsent = {p for p in absent if p.step in skipped_steps or (ended_at is not None and p.step >= ended_at)}
    if ended_at is not None:
        unsent |= _not_committed(ours, theirs, ended_at - 1, cuts)
    one_sided = sorted((ours.keys() ^ theirs.keys()) - unsent, key=lambda place: place.order)
    missing = [str(place) for place in one_sided] + sorted((final.keys() ^ final_reference.keys()) | unlike)
    histogram: Counter[int] = Counter()
    for found in distances.values():
        histogram.update(found.histogram)
    unequal = [place for place in ours.keys() & theirs.keys() if ours[place] != theirs[place]]
    differing = sorted(unequal, key=lambda place: place.order)
    first = _divergence(differing[0], split, reference, cuts) if differing else _final_divergence(distances, cuts)
    rows = _digest_rows(ours, theirs, cuts) + _final_rows(distances, cuts)
    weights = [name for name in both if name.startswith("weights/")]
    close = all(torch.allclose(final[name], final_reference[name]) for name in weights) if weights else None
    return Equivalence(tuple(rows), tuple(missing), dict(sorted(histogram.items())), first, close)


def _digests(folders: Iterable[Path]) -> Digests:
    return read_digests(folder / "digests.jsonl" for folder in folders)


def _of_this_run(digests: Digests, reference: Digests) -> Digests:
    """Return one run's digests from tensor logs of several runs: for each tensor, one of its digests must be right."""
    both = digests.keys() & reference.keys()
    return {place: reference[place] if reference[place] in digests[place].split() else digests[place] for place in both}


def _without_forgotten(digests: Digests, skipped_steps: Collection[int]) -> Digests:
    return {
        place: digest
        for place, digest in digests.items()
        if not (place.step in skipped_steps and place.quantity == "gradient")
    }


def _not_committed(ours: Digests, theirs: Digests, step: int, cuts: Cuts) -> set[Place]:
    """Return what a trunk records of a step's commit, if it recorded no update of that step at all."""
    kinds = ("gradient", "number", "updated weight")
    own = {p for p in theirs if p.step == step and p.quantity in kinds and stage_of(p.tensor, cuts) == "trunk"}
    return set() if any(place in ours for place in own if place.quantity != "gradient") else own - ours.keys()


def _load(paths: tuple[Path, ...]) -> dict[str, torch.Tensor]:
    """Read the tensors to compare, without codec states: an error in these shows in the next tensors that arrive."""
    tensors = {name: tensor for path in paths for name, tensor in load_file(path).items()}
    return {name: tensor for name, tensor in tensors.items() if name.startswith(("weights/", "optimizer_state/"))}


def _digest_rows(ours: Digests, theirs: Digests, cuts: Cuts) -> list[Row]:
    return rows_of(
        Compared(place.quantity, stage_of(place.tensor, cuts), ours[place] == theirs[place])
        for place in ours.keys() & theirs.keys()
    )


def _final_rows(distances: Mapping[str, Distance], cuts: Cuts) -> list[Row]:
    return rows_of(
        Compared(Place(FINAL, None, path).quantity, stage_of(path.partition("/")[2], cuts), not found.differing, found)
        for path, found in distances.items()
    )


def _divergence(place: Place, split: RunFiles, reference: RunFiles, cuts: Cuts) -> Divergence:
    file = whole_file(place.step, place.microbatch, place.tensor)
    found_files = [[f / file for f in side.parts if (f / file).exists()] for side in (split, reference)]
    pair = [load_file(files[0])[TENSOR] for files in found_files if files]
    stage = stage_of(place.tensor, cuts)
    if len(pair) != 2 or not alike(pair[0], pair[1]) or torch.equal(*map(bits, pair)):
        return Divergence(place.step, place.microbatch, stage, place.tensor, None, None, None)
    found = distance(pair[0], pair[1])
    return Divergence(
        place.step, place.microbatch, stage, place.tensor, found.first_index, found.split, found.reference
    )


def _final_divergence(distances: Mapping[str, Distance], cuts: Cuts) -> Divergence | None:
    """Find the first final tensor that differs although every gradient agreed; its step is -1, meaning the last."""
    for path in sorted(distances):
        found = distances[path]
        if found.differing:
            name = path.partition("/")[2]
            return Divergence(FINAL, None, stage_of(name, cuts), path, found.first_index, found.split, found.reference)
    return None
