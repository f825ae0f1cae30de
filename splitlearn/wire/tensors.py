"""Tensors as messages, and every check that received ones must pass before they are used."""

import math
import zlib
from dataclasses import dataclass

import torch

from splitlearn.codecs import CODECS, InflatesTooFarError
from splitlearn.coding import Passage
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Reason, WireError

__all__ = ["TensorSpec", "all_finite", "decode_tensor", "encode_tensor"]

DTYPES = {
    pb.DTYPE_FLOAT32: torch.float32,
    pb.DTYPE_FLOAT16: torch.float16,
    pb.DTYPE_BFLOAT16: torch.bfloat16,
    pb.DTYPE_UINT8: torch.uint8,
}
NUMBERS = {dtype: number for number, dtype in DTYPES.items()}


@dataclass(frozen=True)
class TensorSpec:
    """What a received tensor must be.

    Attributes:
        name: for messages.
        dtype: the only type accepted.
        shape: one entry per dimension; None allows any positive size.
        max_bytes: limit of the decoded size.
        codec: the only codec accepted; None accepts any that is known.
    """

    name: str
    dtype: torch.dtype
    shape: tuple[int | None, ...]
    max_bytes: int
    codec: str | None = None


def encode_tensor(tensor: torch.Tensor, codec_name: str, max_bytes: int, passage: Passage | None = None) -> pb.Tensor:
    """Encode a tensor from any device; raises `WireError` if the receiver would refuse it."""
    codec = CODECS[codec_name]
    plain = tensor.detach().cpu().contiguous()
    if plain.nbytes > max_bytes:
        raise WireError(Reason.TOO_LARGE, f"{plain.nbytes} bytes in one tensor; {_size_advice(max_bytes)}")
    passage = passage or Passage()
    data = passage.encode(codec, plain)
    if not all_finite(passage.arriving(codec, data, plain)):
        raise WireError(Reason.NON_FINITE, f"a tensor to be sent has elements that are NaN or infinite in {codec_name}")
    return pb.Tensor(
        dtype=NUMBERS[plain.dtype], shape=plain.shape, codec=codec_name, data=data, checksum=zlib.crc32(data)
    )


def decode_tensor(message: pb.Tensor, spec: TensorSpec, passage: Passage | None = None) -> torch.Tensor:
    """Check a received tensor and copy it into fresh memory; raises `WireError` naming what is wrong with it."""
    shape = _checked_shape(message, spec)
    codec = CODECS.get(message.codec)
    if codec is None:
        raise WireError(Reason.UNKNOWN_CODEC, f"{spec.name}: codec {message.codec!r}; known are {', '.join(CODECS)}")
    if spec.codec not in (None, message.codec):
        raise WireError(Reason.BAD_DATA, f"{spec.name}: came in codec {message.codec}; expected {spec.codec}")
    data = message.data  # every read of the field makes a copy
    if zlib.crc32(data) != message.checksum:
        raise WireError(Reason.CORRUPT, f"{spec.name}: the checksum does not match the data")
    try:
        tensor = (passage or Passage()).decode(codec, data, spec.dtype, shape)
    except ValueError as error:
        reason = Reason.DECOMPRESSION_BOMB if isinstance(error, InflatesTooFarError) else Reason.BAD_DATA
        raise WireError(reason, f"{spec.name}: {error} for {spec.dtype} of shape {shape}") from None
    if not all_finite(tensor):
        raise WireError(Reason.NON_FINITE, f"{spec.name}: has elements that are NaN or infinite")
    return tensor


def _checked_shape(message: pb.Tensor, spec: TensorSpec) -> tuple[int, ...]:
    dtype = DTYPES.get(message.dtype)
    if dtype != spec.dtype:
        raise WireError(Reason.BAD_DTYPE, f"{spec.name}: dtype {dtype}; expected {spec.dtype}")
    wanted_shape = "x".join("any" if size is None else str(size) for size in spec.shape)
    # Before any of it is copied or reported: a peer may send millions.
    if len(message.shape) != len(spec.shape):
        raise WireError(Reason.BAD_SHAPE, f"{spec.name}: {len(message.shape)} dimensions; expected {wanted_shape}")
    shape = tuple(message.shape)
    if min(shape, default=1) < 1:
        raise WireError(Reason.BAD_SIZE, f"{spec.name}: a size of {min(shape)} in shape {shape}; sizes begin at 1")
    if not all(wanted in (None, size) for size, wanted in zip(shape, spec.shape, strict=True)):
        raise WireError(Reason.BAD_SHAPE, f"{spec.name}: shape {shape}; expected {wanted_shape}")
    size = math.prod(shape) * spec.dtype.itemsize
    if size > spec.max_bytes:
        raise WireError(Reason.TOO_LARGE, f"{spec.name}: {size} bytes; {_size_advice(spec.max_bytes)}")
    return shape


def all_finite(tensor: torch.Tensor) -> bool:
    """Return whether no element is NaN or infinite; integers never are.

    A sum in which one term is NaN or infinite is so itself. A finite sum therefore settles it, which takes a fortieth
    of the time; one that is not finite may also have overflowed, and then every element is looked at.
    """
    if not tensor.dtype.is_floating_point or math.isfinite(tensor.sum().item()):
        return True
    return bool(torch.isfinite(tensor).all())


def _size_advice(max_bytes: int) -> str:
    return (
        f"at most {max_bytes} are taken: lower --batch-size or --max-length, or raise --max-message-bytes on both sides"
    )
