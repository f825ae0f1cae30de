"""The codec protocols: pure functions between a tensor and bytes, with or without a state that they pass on."""

import math
from collections.abc import Mapping
from typing import Protocol, TypeAlias, runtime_checkable

import torch

__all__ = ["AnyCodec", "Codec", "InflatesTooFarError", "State", "StatefulCodec", "bytes_of", "tensor_from"]

# Tensors by name; empty before the first tensor of a stream.
State: TypeAlias = Mapping[str, torch.Tensor]


class InflatesTooFarError(ValueError):
    """Encoded bytes that would inflate to more elements than their shape has, to fill the receiver's memory."""


class Codec(Protocol):
    """How floating-point tensors are encoded on the wire.

    Attributes:
        name: as in `Tensor.codec`.
        lossless: whether decoding returns the same bits.
        error_bound: upper bound of `|decoded - x|`, in words, for documentation and reports.
    """

    name: str
    lossless: bool
    error_bound: str

    def encode(self, tensor: torch.Tensor) -> bytes:
        """Encode a contiguous CPU tensor."""

    def decode(self, data: bytes, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
        """Decode a tensor of this shape and type into memory allocated by torch.

        Raises:
            ValueError: the bytes do not encode such a tensor; nothing larger than that was allocated.
            InflatesTooFarError: the bytes would decompress to more than the tensor.
        """


@runtime_checkable
class StatefulCodec(Protocol):
    """A codec whose bytes depend on what it coded before, as with error feedback.

    The codec itself keeps nothing: each method takes the state left by the tensor before, and returns the next one. The
    session decides which of them counts, so a repeated request gets the same bytes. Every microbatch index has its own
    state in each of the four streams (smashed data, features, and the gradients of both), at the sender and at the
    receiver.

    Attributes:
        name: as in `Codec`.
        lossless: as in `Codec`.
        error_bound: as in `Codec`.
    """

    name: str
    lossless: bool
    error_bound: str

    def encode_after(self, state: State, tensor: torch.Tensor) -> tuple[bytes, State]:
        """Encode a contiguous CPU tensor; return the bytes and the sender's next state."""

    def decode_after(
        self, state: State, data: bytes, dtype: torch.dtype, shape: tuple[int, ...]
    ) -> tuple[torch.Tensor, State]:
        """Decode as `Codec.decode` does; returns the tensor and the receiver's next state.

        The sender calls it too, with its own state, to see what will arrive.
        """


AnyCodec: TypeAlias = Codec | StatefulCodec


def bytes_of(tensor: torch.Tensor) -> bytes:
    """Return a contiguous CPU tensor's little-endian bytes."""
    return tensor.reshape(-1).view(torch.uint8).numpy().tobytes()


def tensor_from(data: bytes | bytearray, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
    """Copy little-endian bytes once into fresh aligned memory; raises `ValueError` if the length is not exact.

    The copy is not just for safety: libraries may round differently on unaligned or read-only buffers.
    """
    expected = math.prod(shape) * dtype.itemsize
    if len(data) != expected:
        raise ValueError(f"{len(data)} bytes instead of {expected}")
    flat = torch.empty(math.prod(shape), dtype=dtype)
    flat.view(torch.uint8).numpy().data[:] = data
    return flat.view(shape)
