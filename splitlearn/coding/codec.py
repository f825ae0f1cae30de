"""What a codec is: a pure pair of functions between a tensor and bytes."""

import math
from typing import Protocol

import torch

__all__ = ["Codec", "InflatesTooFarError", "bytes_of", "tensor_from"]


class InflatesTooFarError(ValueError):
    """Coded bytes stand for more elements than their shape has: the sender means to fill the receiver's memory."""


class Codec(Protocol):
    """How floating-point tensors are coded on the wire.

    Attributes:
        name: as it stands in `Tensor.codec`.
        lossless: whether decoding gives back the same bits.
        error_bound: what `|decoded - x|` is at most, in words, for documentation and reports.
    """

    name: str
    lossless: bool
    error_bound: str

    def encode(self, tensor: torch.Tensor) -> bytes:
        """Code a contiguous CPU tensor."""

    def decode(self, data: bytes, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
        """Decode a tensor of this shape and type into fresh memory of torch's own.

        Raises:
            ValueError: the bytes are not such a tensor, coded; nothing larger than that was allocated.
            InflatesTooFarError: of those, bytes that a decompression would make more of.
        """


def bytes_of(tensor: torch.Tensor) -> bytes:
    """Return a contiguous CPU tensor's little-endian bytes."""
    return tensor.reshape(-1).view(torch.uint8).numpy().tobytes()


def tensor_from(data: bytes | bytearray, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
    """Copy little-endian bytes once into fresh aligned memory; raises `ValueError` when the length is not exact.

    The copy is not for safety alone: libraries may round differently on unaligned or read-only buffers.
    """
    expected = math.prod(shape) * dtype.itemsize
    if len(data) != expected:
        raise ValueError(f"{len(data)} bytes instead of {expected}")
    flat = torch.empty(math.prod(shape), dtype=dtype)
    flat.view(torch.uint8).numpy().data[:] = data
    return flat.view(shape)
