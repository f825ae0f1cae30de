"""The digest of a tensor: the harness's own implementation, separate from the trained system's."""

import hashlib

import torch

from harness.errors import UnusableError

__all__ = ["digest", "plain"]


def plain(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor's elements in row-major order in CPU memory; raises `UnusableError` if it is sparse."""
    if tensor.layout != torch.strided or tensor.is_quantized:
        raise UnusableError(f"a recording holds dense tensors; give tensor.to_dense() instead of a {tensor.layout} one")
    return tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()


def digest(tensor: torch.Tensor) -> str:
    """Return the SHA-256 of `dtype|shape|` and the little-endian elements, in hexadecimal."""
    elements = plain(tensor)
    sha256 = hashlib.sha256(f"{elements.dtype}|{tuple(elements.shape)}|".encode())
    sha256.update(elements.reshape(-1).view(torch.uint8).numpy().data)
    return sha256.hexdigest()
