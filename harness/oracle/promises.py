"""What codecs promise to preserve of a tensor, written by the judge without the system's code.

A codec from another distribution has no promise here; whether it is lossless is then its own claim.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from splitlearn.registry import CODECS

if TYPE_CHECKING:  # a report, which asks only what is lossless, does not wait for it
    import torch

__all__ = ["PROMISES", "Promise", "everything", "is_lossless"]

Promise = Callable[["torch.Tensor"], "torch.Tensor"]


def everything(tensor: "torch.Tensor") -> "torch.Tensor":
    """Return the tensor unchanged: the promise of a lossless codec."""
    return tensor


def half_precision(tensor: "torch.Tensor") -> "torch.Tensor":
    """Return the nearest IEEE 754 binary16 numbers."""
    return tensor.half().to(tensor.dtype)


def upper_half(tensor: "torch.Tensor") -> "torch.Tensor":
    """Return the nearest numbers whose lower 16 of 32 bits are zero; at the same distance, the one whose 17th is."""
    from torch import int32  # noqa: PLC0415 - as above

    plain = tensor.float()
    bits = plain.view(int32)
    rounded = (bits + 0x7FFF + (bits >> 16 & 1) & ~0xFFFF).view(plain.dtype)
    return rounded.where(plain.isfinite(), plain).to(tensor.dtype)


def whole_127ths_of_each_row(tensor: "torch.Tensor") -> "torch.Tensor":
    """Return the nearest multiples of a 127th of the largest magnitude in the row; rows without one become NaN."""
    rows = tensor.float()
    return _whole_steps(rows, _largest(rows), 127).to(tensor.dtype)


def whole_sevenths_of_each_64(tensor: "torch.Tensor") -> "torch.Tensor":
    """Return the nearest multiples of a seventh of the largest magnitude, cut to bfloat16, of each 64 elements."""
    from torch import int32  # noqa: PLC0415 - as above

    flat = tensor.float().flatten()
    blocks = flat.new_zeros(-(-len(flat) // 64), 64)
    blocks.view(-1)[: len(flat)] = flat
    largest = (_largest(blocks).view(int32) & ~0xFFFF).view(flat.dtype)
    return _whole_steps(blocks, largest, 7).flatten()[: len(flat)].view(tensor.shape).to(tensor.dtype)


def _largest(rows: "torch.Tensor") -> "torch.Tensor":
    """Return the largest magnitude of each row, but at least the smallest normal number."""
    return rows.abs().amax(-1, keepdim=True).clamp(min=2.0**-126)


def _whole_steps(rows: "torch.Tensor", largest: "torch.Tensor", steps: int) -> "torch.Tensor":
    whole = (rows / largest * steps).round() + 0.0  # a whole number of bits has no negative zero
    return (whole / steps * largest).where(largest < float("inf"), float("nan"))


PROMISES: Mapping[str, Promise] = {
    "raw": everything,
    "zlib": everything,
    "shuffle-zstd": everything,
    "fp16": half_precision,
    "bf16": upper_half,
    "int8": whole_127ths_of_each_row,
    "int4": whole_sevenths_of_each_64,
}


def is_lossless(codec: str) -> bool:
    """Return whether a codec preserves all bits, so that the reference need not apply it.

    Raises:
        KeyError: the codec has no promise here and is not installed; `ConfigError` if it cannot be imported.
    """
    return PROMISES[codec] is everything if codec in PROMISES else bool(CODECS[codec].lossless)
