"""Half the bytes with the range of float32: its upper half, bfloat16."""

import torch

from splitlearn.codecs import bytes_of, register, tensor_from

__all__ = ["Bf16Codec"]


@register
class Bf16Codec:
    """Rounds to the nearest bfloat16 number, ties to even; what rounds beyond the largest is refused on arrival."""

    name = "bf16"
    lossless = False
    error_bound = "2^-8 |x| for 2^-126 <= |x| < (2 - 2^-8) 2^127, 2^-134 below"

    def encode(self, tensor: torch.Tensor) -> bytes:
        """Encode a contiguous CPU tensor."""
        return bytes_of(tensor.to(torch.bfloat16))

    def decode(self, data: bytes, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
        """Decode a tensor; raises `ValueError` if the length is not exact."""
        return tensor_from(data, torch.bfloat16, shape).to(dtype)
