"""How equal two tensors must be: `bitwise`, or `close(rtol, atol)`."""

from dataclasses import dataclass
from typing import Protocol

import torch

__all__ = ["BITWISE", "Close", "Exactness", "bits"]

INTEGERS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def bits(tensor: torch.Tensor) -> torch.Tensor:
    """Return the elements' bits as integers."""
    return tensor.contiguous().view(INTEGERS[tensor.element_size()])


class Exactness(Protocol):
    """What two tensors of the same shape and dtype must satisfy."""

    def beyond(self, tensor: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
        """Return a mask of the elements that do not satisfy it."""


@dataclass(frozen=True)
class Bitwise:
    """Every bit is the same; so NaN equals itself, and 0.0 does not equal -0.0."""

    def beyond(self, tensor: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
        """Return a mask of the elements whose bits differ."""
        return bits(tensor) != bits(reference)

    def __str__(self) -> str:
        return "bitwise"


@dataclass(frozen=True)
class Close:
    """|a - b| <= atol + rtol * |b|, or the same bits; NaN is close only to a NaN of the same bits."""

    rtol: float
    atol: float

    def beyond(self, tensor: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
        """Return a mask of the elements that are further apart."""
        close = torch.isclose(tensor.double(), reference.double(), rtol=self.rtol, atol=self.atol)
        return (bits(tensor) != bits(reference)) & ~close

    def __str__(self) -> str:
        return f"close(rtol={self.rtol:g}, atol={self.atol:g})"


BITWISE = Bitwise()
