"""A quarter of the bytes: whole steps of a 127th of the largest magnitude in each row."""

import math

import torch

from splitlearn.codecs import bytes_of, register, tensor_from

__all__ = ["Int8Codec"]

STEPS = 127
SMALLEST = torch.finfo(torch.float32).tiny  # steps of smaller rows would be subnormal, or zero
SCALE_BYTES = 4


@register
class Int8Codec:
    """Each row (the last dimension) as its largest magnitude in float32, and a signed byte for each element.

    The largest magnitude is sent rather than a step's size: it arrives exactly in every type, so what has been decoded
    is coded to the same bytes. A row with an element that is NaN or infinite arrives as NaN.
    """

    name = "int8"
    lossless = False
    error_bound = "max(|row|) / 253, or 2^-126 / 253 if that is more"

    def encode(self, tensor: torch.Tensor) -> bytes:
        """Encode a contiguous CPU tensor."""
        rows_RW = tensor.to(torch.float32).reshape(_rows_and_width(tuple(tensor.shape)))
        work_RW = rows_RW.abs()
        largest_R1 = work_RW.amax(-1, keepdim=True).clamp(min=SMALLEST)
        largest_R1 = largest_R1.where(largest_R1 < math.inf, math.nan)
        coded = torch.empty(largest_R1.numel() * SCALE_BYTES + rows_RW.numel(), dtype=torch.uint8)
        scales_R1, steps_RW = _parts(coded, rows_RW.shape)
        scales_R1.copy_(largest_R1)
        steps_RW.copy_(torch.div(rows_RW, largest_R1, out=work_RW).mul_(STEPS).round_())
        return bytes_of(coded)

    def decode(self, data: bytes, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
        """Decode a tensor; raises `ValueError` if the length is not exact."""
        rows, width = _rows_and_width(shape)
        coded = tensor_from(data, torch.uint8, (rows * SCALE_BYTES + rows * width,))
        largest_R1, steps_RW = _parts(coded, (rows, width))
        return steps_RW.to(torch.float32).div_(STEPS).mul_(largest_R1).view(shape).to(dtype)


def _rows_and_width(shape: tuple[int, ...]) -> tuple[int, int]:
    return math.prod(shape[:-1]), math.prod(shape[-1:])


def _parts(coded: torch.Tensor, shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return views of the largest magnitudes, which come first because they must be aligned, and of the steps."""
    end = shape[0] * SCALE_BYTES
    return coded[:end].view(torch.float32).view(-1, 1), coded[end:].view(torch.int8).view(shape)
