"""Lossless compression: bytes of equal significance side by side, then Zstandard."""

import math
import sys

import torch

from splitlearn.codecs import InflatesTooFarError, planes_of, register, tensor_from_planes

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["ShuffleZstdCodec"]

LEVEL = 1  # higher levels cost much and gain nothing: mantissas are random
LOWEST_WINDOW, HIGHEST_WINDOW = zstd.DecompressionParameter.window_log_max.bounds()


@register
class ShuffleZstdCodec:
    """Transposes the bytes, so that the repetitive exponents are adjacent, and compresses them."""

    name = "shuffle-zstd"
    lossless = True
    error_bound = "0"

    def encode(self, tensor: torch.Tensor) -> bytes:
        """Encode a contiguous CPU tensor."""
        return zstd.compress(planes_of(tensor), LEVEL)

    def decode(self, data: bytes, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
        """Decode a tensor; raises `ValueError` if the stream is damaged or its length is not exact."""
        expected = math.prod(shape) * dtype.itemsize
        try:
            planes = _inflated(data, expected)
        except zstd.ZstdError as error:
            raise ValueError(f"damaged stream ({error})") from None
        return tensor_from_planes(planes, dtype, shape)


def _inflated(data: bytes, expected: int) -> bytes:
    if (zstd.get_frame_info(data).decompressed_size or 0) > expected:  # which a stream need not tell, nor truly
        raise InflatesTooFarError(f"stream inflates beyond {expected} bytes")
    window = min(max(expected.bit_length(), LOWEST_WINDOW), HIGHEST_WINDOW)  # a larger one would be memory for nothing
    inflater = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: window})
    planes = inflater.decompress(data, expected + 1)  # one extra byte reveals a stream that is too long
    if len(planes) > expected:
        raise InflatesTooFarError(f"stream inflates beyond {expected} bytes")
    if len(planes) != expected or not inflater.eof or inflater.unused_data:
        raise ValueError(f"stream does not inflate to exactly {expected} bytes")
    return planes
