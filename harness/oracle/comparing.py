"""Compares two recordings, tensor by tensor in the order of computation."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import inf

import torch

from harness.oracle.comparison import Comparison, FirstDivergence, JudgedRow
from harness.oracle.digests import FINAL, Place, Quantity
from harness.oracle.distance import Distance, alike, distance
from harness.oracle.exactness import BITWISE, Exactness
from harness.oracle.recordings import Recording
from harness.oracle.rows import Compared, rows_of

__all__ = ["PHASES", "compare_recordings"]

# The order of computation within a step.
PHASES: dict[Quantity, int] = {
    "boundary": 0,
    "loss": 0,
    "gradient": 1,
    "norm": 2,
    "number": 3,
    "updated weight": 4,
    "updated optimizer state": 5,
    "weight": 6,
    "optimizer state": 7,
}


@dataclass(frozen=True)
class _Outcome:
    """The outcome of comparing one tensor; `agrees` is None if that cannot be known."""

    place: Place
    party: str
    equal: bool
    agrees: bool | None
    distance: Distance | None = None
    reason: str = ""


def compare_recordings(
    recording: Recording,
    reference: Recording,
    exactness: Exactness = BITWISE,
    quantities: Collection[Quantity] = tuple(PHASES),
) -> Comparison:
    """Compare two recordings.

    Args:
        recording: the one judged.
        reference: what it should be.
        exactness: the exactness asked for.
        quantities: the kinds of tensors to compare.

    Raises:
        UnusableError: a file has become unreadable since it was checked.
    """
    sides = (recording, reference)
    wanted = {
        place
        for place in (*recording.digests, *reference.digests)
        if place.quantity in quantities and (place.step != FINAL or all(side.has_final for side in sides))
    }
    ordered = sorted(wanted, key=lambda place: _order(place, reference if place in reference.digests else recording))
    named_by = recording if len(recording.parts) > 1 else reference
    outcomes = [
        _outcome(place, named_by.parties[place], recording, reference, exactness)
        for place in ordered
        if all(place in side.digests for side in sides)
    ]
    histogram: Counter[int] = Counter()
    for outcome in outcomes:
        histogram.update(outcome.distance.histogram if outcome.distance else {})
    return Comparison(
        exactness=exactness,
        rows=_rows(outcomes),
        whole=sum(outcome.distance is not None for outcome in outcomes),
        only_in_recording=[str(place) for place in ordered if place not in reference.digests],
        only_in_reference=[str(place) for place in ordered if place not in recording.digests],
        first_divergence=_first(outcomes, recording, reference),
        ulp_histogram=dict(sorted(histogram.items())),
        empty=list(dict.fromkeys(str(side.path) for side in sides if not side.digests)),
        incomplete=list(dict.fromkeys(str(side.path) for side in sides if not side.complete)),
        remarks=list(_remarks(recording, reference, quantities)),
    )


def _order(place: Place, side: Recording) -> tuple[float, int, int, int]:
    """Sort by the order of computation; gradients come in the opposite order of the parameters."""
    turn = side.turns[place]
    step = inf if place.step == FINAL else place.step
    return step, PHASES[place.quantity], place.microbatch or 0, -turn if place.quantity == "gradient" else turn


def _outcome(place: Place, party: str, recording: Recording, reference: Recording, exactness: Exactness) -> _Outcome:
    digests = (recording.digests[place], reference.digests[place])
    if any(" " in digest for digest in digests):
        return _Outcome(place, party, equal=False, agrees=False, reason="it was recorded twice, with different bits")
    equal = digests[0] == digests[1]
    ours, theirs = recording.load(place), reference.load(place)
    if ours is None or theirs is None:
        known = equal or exactness == BITWISE
        reason = "" if equal else "it was not kept whole on both sides"
        return _Outcome(place, party, equal, equal if known else None, reason=reason)
    if not alike(ours, theirs):
        reason = f"{_kind(ours)} against {_kind(theirs)}"
        return _Outcome(place, party, equal=False, agrees=False, reason=reason)
    found = distance(ours, theirs, exactness)
    assert equal == (not found.differing), f"the digest of {place} says otherwise than its bits"
    return _Outcome(place, party, equal, not found.beyond, found)


def _kind(tensor: torch.Tensor) -> str:
    return f"{tensor.dtype} of shape {tuple(tensor.shape)}"


def _rows(outcomes: Sequence[_Outcome]) -> list[JudgedRow]:
    tolerated: Counter[tuple[Quantity, str]] = Counter()
    undecided: Counter[tuple[Quantity, str]] = Counter()
    for outcome in outcomes:
        kind = (outcome.place.quantity, outcome.party)
        tolerated[kind] += bool(outcome.agrees) and not outcome.equal
        undecided[kind] += outcome.agrees is None
    rows = rows_of(Compared(one.place.quantity, one.party, one.equal, one.distance) for one in outcomes)
    rows.sort(key=lambda row: (PHASES[row.quantity], row.stage))
    return [
        JudgedRow(
            **vars(row), tolerated=tolerated[row.quantity, row.stage], undecided=undecided[row.quantity, row.stage]
        )
        for row in rows
    ]


def _first(outcomes: Sequence[_Outcome], recording: Recording, reference: Recording) -> FirstDivergence | None:
    outcome = next((outcome for outcome in outcomes if outcome.agrees is False), None)
    if outcome is None:
        return None
    found = outcome.distance
    return FirstDivergence(
        place=outcome.place,
        party=outcome.party,
        digests=(recording.digests[outcome.place], reference.digests[outcome.place]),
        index=found.first_index if found else None,
        values=(found.split, found.reference) if found else None,
        reason=outcome.reason,
    )


def _remarks(recording: Recording, reference: Recording, quantities: Collection[Quantity]) -> Iterator[str]:
    if set(quantities) != set(PHASES):
        yield f"of all kinds of tensors only these were compared, as was asked: {', '.join(quantities)}"
    for side, other in ((recording, reference), (reference, recording)):
        if side.has_final and not other.has_final and {"weight", "optimizer state"} & set(quantities):
            yield f"the final state was not compared: {other.path} has kept none"
        if side.cut:
            yield f"{side.path} has lines that a killed program left unfinished: {side.cut}"
