"""What codecs promise to leave of a tensor, in the judge's own words: none of the system's code is used."""

from collections.abc import Callable, Mapping

import torch

__all__ = ["arriving", "is_lossless"]

Promise = Callable[[torch.Tensor], torch.Tensor]


def everything(tensor: torch.Tensor) -> torch.Tensor:
    """Return what was sent: the promise of a lossless codec."""
    return tensor


def half_precision(tensor: torch.Tensor) -> torch.Tensor:
    """Return the nearest IEEE 754 binary16 numbers."""
    return tensor.to(torch.float16).to(tensor.dtype)


PROMISES: Mapping[str, Promise] = {"raw": everything, "zlib": everything, "fp16": half_precision}


def arriving(tensor: torch.Tensor, codec: str) -> torch.Tensor:
    """Return what arrives when a tensor is sent, in memory of its own."""
    return PROMISES[codec](tensor.detach()).clone(memory_format=torch.contiguous_format)


def is_lossless(codec: str) -> bool:
    """Return whether a codec promises the very bits, so that a reference has nothing to do with it."""
    return PROMISES[codec] is everything
