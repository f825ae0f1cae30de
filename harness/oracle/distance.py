"""The distance between two tensors."""

from dataclasses import dataclass

import torch

from harness.oracle.exactness import BITWISE, Exactness, bits

__all__ = ["Distance", "alike", "distance", "ulp_distance"]


@dataclass(frozen=True)
class Distance:
    """The distance between a tensor and its reference.

    Attributes:
        elements: number of elements in the tensor.
        differing: elements whose bits differ; 0.0 and -0.0 do, at a distance of 0 ULP.
        beyond: elements that are further apart than was asked for; bitwise, those that differ.
        max_ulp: largest number of representable values between two elements; -1 if one is not finite.
        histogram: elements by distance in ULP: 0, 1, 2-3, 4-7, … by their lower bounds.
        relative_l2: |a - b| / |b|.
        cosine: of the angle between the two.
        first_index: of the first element that is beyond; empty where none is.
        split: its value in the split run.
        reference: its value in the reference.
    """

    elements: int
    differing: int
    beyond: int
    max_ulp: int
    histogram: dict[int, int]
    relative_l2: float
    cosine: float
    first_index: tuple[int, ...]
    split: float
    reference: float


def alike(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Return whether two tensors have one shape and dtype, and so a distance."""
    return (a.shape, a.dtype) == (b.shape, b.dtype)


def ulp_distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Count the representable values between elements, at most as many as an int64 can count; int64.

    The bits of floating-point numbers of one sign are ordered like integers; negative ones are mirrored, so that
    -0.0 and 0.0 coincide (Dawson, "Comparing Floating Point Numbers", 2012).
    """
    x, y = _ordinals(a), _ordinals(b)
    apart = x - y
    overflow = (x < 0) != (y < 0)
    overflow &= (apart < 0) != (x < 0)
    return torch.where(overflow, torch.iinfo(torch.int64).max, apart.abs())


def _ordinals(tensor: torch.Tensor) -> torch.Tensor:
    if not tensor.is_floating_point():
        return tensor.to(torch.int64)
    pattern = bits(tensor)
    number = pattern.to(torch.int64)
    return torch.where(number < 0, torch.iinfo(pattern.dtype).min - number, number)


def distance(split: torch.Tensor, reference: torch.Tensor, exactness: Exactness = BITWISE) -> Distance:
    """Measure two tensors of one shape and dtype, floating-point ones in most cases."""
    assert alike(split, reference)
    if not split.numel():
        return Distance(0, 0, 0, 0, {}, 0.0, 1.0, (), 0.0, 0.0)
    ulp = ulp_distance(split, reference).flatten()
    differing = int((bits(split) != bits(reference)).sum())
    beyond = exactness.beyond(split, reference).flatten().nonzero().flatten()
    first = int(beyond[0]) if len(beyond) else 0
    buckets = torch.where(ulp > 0, 2 ** torch.log2(ulp.double().clamp(min=1)).floor().clamp(max=62), 0).long()
    values, counts = torch.unique(buckets, return_counts=True)
    a, b = (tensor.double().flatten() for tensor in (split, reference))
    finite = bool(torch.isfinite(a).all() and torch.isfinite(b).all())
    index = torch.unravel_index(torch.tensor(first), split.shape) if len(beyond) else ()
    return Distance(
        elements=split.numel(),
        differing=differing,
        beyond=len(beyond),
        max_ulp=int(ulp.max()) if finite else -1,
        histogram=dict(zip(values.tolist(), counts.tolist(), strict=True)),
        # Equal tensors have no distance, even where the formulas round, divide by zero or meet a NaN.
        relative_l2=float((a - b).norm() / b.norm().clamp(min=1e-300)) if differing else 0.0,
        cosine=float(torch.nn.functional.cosine_similarity(a, b, dim=0)) if differing else 1.0,
        first_index=tuple(int(i) for i in index),
        split=float(a[first]),
        reference=float(b[first]),
    )
