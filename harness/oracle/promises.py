"""What codecs promise to preserve of a tensor, written by the judge without the system's code.

A codec from another distribution has no promise here; whether it is lossless is then its own claim.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from splitlearn.registry import CODECS

if TYPE_CHECKING:  # a report, which asks only what is lossless, does not wait for it
    import torch

__all__ = ["PROMISES", "WITH_FEEDBACK", "Promise", "everything", "is_lossless"]

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


def largest_tenth_of_each_row(tensor: "torch.Tensor") -> "torch.Tensor":
    """Return zero for all but the tenth of each row, rounded up, that comes first when sorted by magnitude."""
    rows = tensor.float()
    return rows.where(_in_largest_tenth(rows), 0.0).to(tensor.dtype)


def drawn_tenth_of_each_row(tensor: "torch.Tensor") -> "torch.Tensor":
    """Return zero for all but a tenth of each row: some of the largest give way to others with a low random number.

    The numbers are the lower and the upper halves of Philox's, with the first 16 bytes of SHA-256 of the rows as key.
    """
    from numpy import frombuffer  # noqa: PLC0415 - as above
    from numpy.random import Philox  # noqa: PLC0415 - as above
    from torch import from_numpy  # noqa: PLC0415 - as above

    rows = tensor.float().reshape(-1, tensor.shape[-1]).contiguous()
    key = int.from_bytes(hashlib.sha256(rows.cpu().numpy().tobytes()).digest()[:16], "little")
    raw = Philox(key=key).random_raw(rows.numel() // 2 + 1).tobytes()
    numbers = from_numpy(frombuffer(raw, "<u4").astype("int64"))[: rows.numel()].view(rows.shape).to(rows.device)
    largest = _in_largest_tenth(rows)
    if rows.shape[-1] == 1:
        return tensor
    staying = largest & ((numbers >= 429_496_729) | ~rows.isfinite())
    gone = largest.sum(-1, keepdim=True) - staying.sum(-1, keepdim=True)
    turn = (numbers // 2).masked_fill(largest, 1 << 40).argsort(dim=-1, stable=True).argsort(dim=-1)
    return rows.where(staying | (turn < gone), 0.0).view(tensor.shape).to(tensor.dtype)


def _in_largest_tenth(rows: "torch.Tensor") -> "torch.Tensor":
    from torch import int32  # noqa: PLC0415 - as above

    order = (rows.contiguous().view(int32) & 0x7FFFFFFF).sort(dim=-1, descending=True, stable=True).indices
    first = order[..., : (rows.shape[-1] + 9) // 10]
    return order.new_zeros(rows.shape).scatter(-1, first, 1) > 0


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
    "topk": largest_tenth_of_each_row,
    "random-topk": drawn_tenth_of_each_row,
    "topk-ef": largest_tenth_of_each_row,
}
# Codecs that keep their promise of the sum of a tensor and what did not arrive of the sum before.
WITH_FEEDBACK = ("topk-ef",)


def is_lossless(codec: str) -> bool:
    """Return whether a codec preserves all bits, so that the reference need not apply it.

    Raises:
        KeyError: the codec has no promise here and is not installed; `ConfigError` if it cannot be imported.
    """
    return PROMISES[codec] is everything if codec in PROMISES else bool(CODECS[codec].lossless)
