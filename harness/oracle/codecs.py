"""What codecs promise to preserve of a tensor, written by the judge without the system's code.

A codec from another distribution has no definition here. If it claims to be lossless, the reference ignores it;
otherwise the reference applies the codec itself.
"""

from collections.abc import Callable, Mapping

import torch

from splitlearn.registry import CODECS

__all__ = ["arriving", "is_lossless"]

Promise = Callable[[torch.Tensor], torch.Tensor]


def everything(tensor: torch.Tensor) -> torch.Tensor:
    """Return the tensor unchanged: the promise of a lossless codec."""
    return tensor


def half_precision(tensor: torch.Tensor) -> torch.Tensor:
    """Return the nearest IEEE 754 binary16 numbers."""
    return tensor.to(torch.float16).to(tensor.dtype)


PROMISES: Mapping[str, Promise] = {"raw": everything, "zlib": everything, "fp16": half_precision}


def arriving(tensor: torch.Tensor, codec: str) -> torch.Tensor:
    """Return what arrives when a tensor is sent, in new memory."""
    return promise_of(codec)(tensor.detach()).clone(memory_format=torch.contiguous_format)


def is_lossless(codec: str) -> bool:
    """Return whether a codec preserves all bits, so that the reference need not apply it."""
    return promise_of(codec) is everything


def promise_of(codec: str) -> Promise:
    """Return what a codec promises to preserve of a tensor."""
    if codec in PROMISES:
        return PROMISES[codec]
    foreign = CODECS[codec]

    def coded_and_decoded(tensor: torch.Tensor) -> torch.Tensor:
        plain = tensor.cpu().contiguous()
        arrived: torch.Tensor = foreign.decode(foreign.encode(plain), plain.dtype, tuple(plain.shape))
        return arrived.to(tensor.device)

    return everything if foreign.lossless else coded_and_decoded
