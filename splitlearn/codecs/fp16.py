"""Half the bytes: IEEE 754 binary16."""

import torch

from splitlearn.codecs import bytes_of, register, tensor_from

__all__ = ["Fp16Codec"]


@register
class Fp16Codec:
    """Rounds to the nearest half-precision number; values beyond 65504 become infinite and are refused on arrival."""

    name = "fp16"
    lossless = False
    error_bound = "2^-11 |x| for 2^-14 <= |x| <= 65504, 2^-25 below"

    def encode(self, tensor: torch.Tensor) -> bytes:
        """Encode a contiguous CPU tensor."""
        return bytes_of(tensor.to(torch.float16))

    def decode(self, data: bytes, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
        """Decode a tensor; raises `ValueError` if the length is not exact."""
        return tensor_from(data, torch.float16, shape).to(dtype)
