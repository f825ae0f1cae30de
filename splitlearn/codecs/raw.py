"""The elements themselves, little-endian."""

import torch

from splitlearn.codecs import bytes_of, register, tensor_from

__all__ = ["RawCodec"]


@register
class RawCodec:
    """No coding."""

    name = "raw"
    lossless = True
    error_bound = "0"

    def encode(self, tensor: torch.Tensor) -> bytes:
        """Encode a contiguous CPU tensor."""
        return bytes_of(tensor)

    def decode(self, data: bytes, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
        """Decode a tensor; raises `ValueError` if the length is not exact."""
        return tensor_from(data, dtype, shape)
