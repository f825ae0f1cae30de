"""Lossless compression: bytes of equal significance side by side, then DEFLATE."""

import math
import zlib

import torch

from splitlearn.codecs import InflatesTooFarError, planes_of, register, tensor_from_planes

__all__ = ["ZlibCodec"]

LEVEL = 1  # activations are nearly random: higher levels cost much and gain little


@register
class ZlibCodec:
    """Transposes the bytes, so that the repetitive exponents are adjacent, and compresses them."""

    name = "zlib"
    lossless = True
    error_bound = "0"

    def encode(self, tensor: torch.Tensor) -> bytes:
        """Encode a contiguous CPU tensor."""
        return zlib.compress(planes_of(tensor), LEVEL)

    def decode(self, data: bytes, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
        """Decode a tensor; raises `ValueError` if the stream is damaged or its length is not exact."""
        expected = math.prod(shape) * dtype.itemsize
        inflater = zlib.decompressobj()
        try:
            planes = inflater.decompress(data, expected + 1)  # one extra byte reveals a stream that is too long
        except zlib.error as error:
            raise ValueError(f"damaged stream ({error})") from None
        if len(planes) > expected:
            raise InflatesTooFarError(f"stream inflates beyond {expected} bytes")
        if len(planes) != expected or not inflater.eof or inflater.unused_data:
            raise ValueError(f"stream does not inflate to exactly {expected} bytes")
        return tensor_from_planes(planes, dtype, shape)
