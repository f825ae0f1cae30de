"""The distance between two tensors."""

from dataclasses import dataclass

import torch

__all__ = ["Distance", "bits", "distance", "ulp_distance"]

INTEGERS = {
    torch.float64: torch.int64,
    torch.float32: torch.int32,
    torch.float16: torch.int16,
    torch.bfloat16: torch.int16,
}


@dataclass(frozen=True)
class Distance:
    """The distance between a tensor and its reference.

    Attributes:
        elements: number of elements in the tensor.
        differing: elements whose bits differ; 0.0 and -0.0 do, at a distance of 0 ULP.
        max_ulp: largest number of representable values between two elements; -1 if one is not finite.
        histogram: elements by distance in ULP: 0, 1, 2-3, 4-7, … by their lower bounds.
        relative_l2: |a - b| / |b|.
        cosine: of the angle between the two.
        first_index: of the first differing element; empty if none differs.
        split: its value in the split run.
        reference: its value in the reference.
    """

    elements: int
    differing: int
    max_ulp: int
    histogram: dict[int, int]
    relative_l2: float
    cosine: float
    first_index: tuple[int, ...]
    split: float
    reference: float


def bits(tensor: torch.Tensor) -> torch.Tensor:
    """Return the elements' bits as integers."""
    return tensor.contiguous().view(INTEGERS[tensor.dtype])


def ulp_distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Count the representable values between elements; int64.

    The bits of floating-point numbers of one sign are ordered like integers; negative ones are mirrored, so that
    -0.0 and 0.0 coincide (Dawson, "Comparing Floating Point Numbers", 2012).
    """
    lowest = torch.iinfo(INTEGERS[a.dtype]).min

    def place(tensor: torch.Tensor) -> torch.Tensor:
        number = bits(tensor).to(torch.int64)
        return torch.where(number < 0, lowest - number, number)

    return (place(a) - place(b)).abs()


def distance(split: torch.Tensor, reference: torch.Tensor) -> Distance:
    """Measure the distance of two floating-point tensors of equal shape and dtype."""
    assert (split.shape, split.dtype) == (reference.shape, reference.dtype)
    ulp = ulp_distance(split, reference).flatten()
    differing = (bits(split) != bits(reference)).flatten().nonzero().flatten()
    first = int(differing[0]) if len(differing) else 0
    buckets = torch.where(ulp > 0, 2 ** torch.log2(ulp.double().clamp(min=1)).floor(), 0).long()
    values, counts = torch.unique(buckets, return_counts=True)
    finite = bool(torch.isfinite(split).all() and torch.isfinite(reference).all())
    a, b = split.double().flatten(), reference.double().flatten()
    index = torch.unravel_index(torch.tensor(first), split.shape) if len(differing) else ()
    return Distance(
        elements=split.numel(),
        differing=len(differing),
        max_ulp=int(ulp.max()) if finite else -1,
        histogram=dict(zip(values.tolist(), counts.tolist(), strict=True)),
        # Equal tensors have no distance, even where the formulas round, divide by zero or meet a NaN.
        relative_l2=float((a - b).norm() / b.norm().clamp(min=1e-300)) if len(differing) else 0.0,
        cosine=float(torch.nn.functional.cosine_similarity(a, b, dim=0)) if len(differing) else 1.0,
        first_index=tuple(int(i) for i in index),
        split=float(a[first]),
        reference=float(b[first]),
    )
