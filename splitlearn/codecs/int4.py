"""An eighth of the bytes: whole steps of a seventh of the largest magnitude in each block of 64 elements."""

import math

import torch

from splitlearn.codecs import bytes_of, register, tensor_from

__all__ = ["Int4Codec"]

BLOCK = 64
STEPS = 7
NOTHING = 8  # added to each number of steps; zero by itself is the code of no element
SMALLEST = torch.finfo(torch.float32).tiny  # steps of smaller blocks would be subnormal, or zero
SCALE_BYTES = 2


@register
class Int4Codec:
    """Each block of successive elements as its largest magnitude, and half a byte for each element.

    The largest magnitude is cut to bfloat16, the upper half of float32, and arrives exactly in every type, so what has
    been decoded is coded to the same bytes. A block with an element that is NaN or infinite arrives as NaN.
    """

    name = "int4"
    lossless = False
    error_bound = "max(|block|) / 13.9, or 2^-126 / 13.9 if that is more"

    def encode(self, tensor: torch.Tensor) -> bytes:
        """Encode a contiguous CPU tensor."""
        flat = tensor.to(torch.float32).reshape(-1)
        padding = -len(flat) % BLOCK
        blocks_NB = (torch.nn.functional.pad(flat, (0, padding)) if padding else flat).view(-1, BLOCK)
        work_NB = blocks_NB.abs()
        largest_N1 = work_NB.amax(-1, keepdim=True).clamp(min=SMALLEST)
        upper_N1 = largest_N1.where(largest_N1 < math.inf, math.nan).view(torch.bfloat16)[:, 1:]
        torch.div(blocks_NB, upper_N1.to(torch.float32), out=work_NB).mul_(STEPS).round_()
        steps = work_NB.to(torch.int8).view(-1).clamp_(-STEPS, STEPS)  # of NaN, it may be anything
        codes = steps.add_(NOTHING).view(torch.uint8)
        coded = torch.empty(_size(len(flat)), dtype=torch.uint8)
        scales_N1, pairs = _parts(coded, len(flat))
        half = len(pairs)
        scales_N1.copy_(upper_N1)
        pairs.copy_(codes[:half])
        pairs[: len(flat) - half].add_(codes[half : len(flat)], alpha=16)
        return bytes_of(coded)

    def decode(self, data: bytes, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
        """Decode a tensor; raises `ValueError` if the number of elements is not exact."""
        count = math.prod(shape)
        scales_N1, pairs = _parts(tensor_from(data, torch.uint8, (_size(count),)), count)
        half = len(pairs)
        if count and (pairs[-1].item() < 16) != (count % 2 == 1):
            raise ValueError(f"an element more or less than {count}")
        steps = torch.empty(len(scales_N1) * BLOCK, dtype=torch.float32)
        steps[:half].copy_(pairs & 15)
        steps[half:count].copy_((pairs >> 4)[: count - half])
        blocks_NB = steps.sub_(NOTHING).div_(STEPS).view(-1, BLOCK).mul_(scales_N1)
        return blocks_NB.view(-1)[:count].view(shape).to(dtype)


def _size(count: int) -> int:
    return -(-count // BLOCK) * SCALE_BYTES + -(-count // 2)


def _parts(coded: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return views of the largest magnitudes, which come first because they must be aligned, and of the pairs.

    A pair is an element of the first half of the tensor, in the lower four bits, and one of the second: halves are
    contiguous, where neighbours would be strided.
    """
    end = -(-count // BLOCK) * SCALE_BYTES
    return coded[:end].view(torch.bfloat16).view(-1, 1), coded[end:]
