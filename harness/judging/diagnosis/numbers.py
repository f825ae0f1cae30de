"""How one tensor differs from another, in the few numbers that rules look at."""

import torch

from harness.judging.diagnosis.evidence import Pair

__all__ = ["along", "constant_ratio", "cosine", "is_sparse", "relative_error", "rounded_to", "words_of"]

# How far a ratio may vary from element to element: rounding of float32, and sums in another order.
CONSTANT = 1e-3
# Kurtosis of a normal distribution is 3; of one that is mostly zero, much more.
SPARSE = 4.5
# The narrowest first: most of its numbers are float16's, too.
NARROW = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def relative_error(pair: Pair) -> float:
    """Return |a - b| / |b|; infinite if b is zero."""
    ours, theirs = pair
    size = float(theirs.norm())
    return float((ours - theirs).norm()) / size if size else float("inf")


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    """Return the cosine of the angle between two tensors; 0 if one is zero."""
    sizes = float(a.norm()) * float(b.norm())
    return float((a * b).sum()) / sizes if sizes else 0.0


def constant_ratio(pair: Pair) -> float | None:
    """Return the one factor by which all elements differ; None if there is no such factor."""
    ours, theirs = pair
    size = float((theirs * theirs).sum())
    if not size:
        return None
    ratio = float((ours * theirs).sum()) / size
    return ratio if float((ours - ratio * theirs).norm()) <= CONSTANT * max(abs(ratio), CONSTANT) * size**0.5 else None


def rounded_to(judged: torch.Tensor, reference: torch.Tensor) -> str:
    """Name the narrower type that holds all of the judged tensor and not the reference; empty if there is none."""
    for name, dtype in NARROW.items():
        judged_fits, reference_fits = (torch.equal(each.to(dtype).to(each.dtype), each) for each in (judged, reference))
        if judged_fits and not reference_fits:
            return name
    return ""


def is_sparse(pair: Pair) -> bool:
    """Return whether few elements differ by much and most by little, as where other elements were dropped."""
    apart = (pair[0] - pair[1]).flatten()
    apart = apart - apart.mean()
    spread = float(apart.square().mean())
    return bool(spread) and float((apart**4).mean()) / spread**2 > SPARSE


def along(pair: Pair) -> list[list[float]]:
    """Return the relative error of every position of every sequence of a tensor BTH."""
    ours, theirs = pair
    sizes_BT = theirs.norm(dim=-1).clamp(min=1e-300)
    errors: list[list[float]] = ((ours - theirs).norm(dim=-1) / sizes_BT).tolist()
    return errors


def words_of(ratio: float) -> str:
    """Return a factor in words."""
    for number in range(2, 5):
        if abs(ratio - number) < CONSTANT * number:
            return f"{number} times"
        if abs(ratio * number - 1) < CONSTANT:
            return f"1/{number} of"
    return f"{ratio:.4g} times"
