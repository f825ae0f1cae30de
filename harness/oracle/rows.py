"""The table of a comparison: one row for each kind of tensor and stage."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from harness.oracle.digests import Quantity
from harness.oracle.distance import Distance

__all__ = ["Compared", "Row", "rows_of"]


@dataclass(frozen=True)
class Compared:
    """One tensor that both sides have; without a distance where only digests were compared."""

    quantity: Quantity
    stage: str
    equal: bool
    distance: Distance | None = None


@dataclass(frozen=True)
class Row:
    """One kind of tensor in one stage: how many were compared, how many differ, and by how much, if known.

    If an element is not finite, `max_ulp` is -1, and `relative_l2` and `cosine` are None.
    """

    quantity: Quantity
    stage: str
    compared: int
    differing: int
    max_ulp: int | None
    relative_l2: float | None
    cosine: float | None


def rows_of(compared: Iterable[Compared]) -> list[Row]:
    """Gather tensors into rows, in the order of their quantities and stages."""
    groups: dict[tuple[Quantity, str], list[Compared]] = {}
    for one in compared:
        groups.setdefault((one.quantity, one.stage), []).append(one)
    return [_row(quantity, stage, group) for (quantity, stage), group in sorted(groups.items())]


def _row(quantity: Quantity, stage: str, group: list[Compared]) -> Row:
    found = [one.distance for one in group if one.distance is not None]
    differing = sum(not one.equal for one in group)
    if not found:
        return Row(quantity, stage, len(group), differing, None, None, None)
    return Row(
        quantity,
        stage,
        compared=len(group),
        differing=differing,
        max_ulp=-1 if any(one.max_ulp < 0 for one in found) else max(one.max_ulp for one in found),
        relative_l2=_finite(max, (one.relative_l2 for one in found)),
        cosine=_finite(min, (one.cosine for one in found)),
    )


def _finite(choose: Callable[[list[float]], float], values: Iterable[float]) -> float | None:
    """Choose among values; return None if one is not finite and so cannot be compared."""
    known = list(values)
    return choose(known) if all(map(math.isfinite, known)) else None
