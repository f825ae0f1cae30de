"""Hypothesis strategies for tensors: sound ones, ones with one flaw each, and arbitrary ones."""

import math
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from splitlearn.registry import CODECS
from splitlearn.wire import compute_service_pb2 as pb

__all__ = ["FLAWS", "MASK_FLAWS", "Flaw", "any_tensor", "flawed", "sound", "sound_mask"]

NOT_FINITE = (math.nan, -math.nan, math.inf, -math.inf)
BOMB_BYTES = 4 << 20
BOMB = zlib.compress(bytes(BOMB_BYTES), 9)
INT32, INT64 = 1 << 31, 1 << 63
FAR_DTYPES = st.one_of(st.integers(5, INT32 - 1), st.integers(-INT32, -1))
ODD_CODECS = st.text(max_size=12).filter(lambda name: name not in CODECS)


def message(shape: tuple[int, ...], data: bytes, dtype: int = pb.DTYPE_FLOAT32, codec: str = "raw") -> pb.Tensor:
    """Return a tensor message with a correct checksum."""
    return pb.Tensor(dtype=dtype, shape=shape, codec=codec, data=data, checksum=zlib.crc32(data))  # type: ignore[arg-type] # any number


@st.composite
def sound(draw: DrawFn, hidden_size: int) -> pb.Tensor:
    """Return hidden states that a trunk accepts."""
    rows, positions = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    number = draw(st.floats(-8, 8, width=32))
    return message((rows, positions, hidden_size), struct.pack("<f", number) * (rows * positions * hidden_size))


def sound_mask(hidden: pb.Tensor) -> pb.Tensor:
    """Return the attention mask of full sequences; if these have no valid size, one that is never looked at."""
    shape = tuple(hidden.shape[:2])
    return message(shape, bytes([1]) * min(6, max(0, math.prod(shape))), pb.DTYPE_UINT8)


def not_finite(draw: DrawFn, tensor: pb.Tensor) -> pb.Tensor:
    """Put NaN or an infinity into one place."""
    data = bytearray(tensor.data)
    at = 4 * draw(st.integers(0, len(data) // 4 - 1))
    data[at : at + 4] = struct.pack("<f", draw(st.sampled_from(NOT_FINITE)))
    return message(tuple(tensor.shape), bytes(data))


def wrong_shape(draw: DrawFn, tensor: pb.Tensor) -> pb.Tensor:
    """Return another number of dimensions, or another width."""
    other = draw(st.lists(st.integers(1, 300), max_size=6).filter(lambda sizes: sizes[2:] != [tensor.shape[2]]))
    return message(tuple(other), tensor.data)


def no_size(draw: DrawFn, tensor: pb.Tensor) -> pb.Tensor:
    """Make one size zero or negative, or two negative whose product is right."""
    rows, positions, width = tensor.shape
    sizes = [-rows, -positions, width]
    if draw(st.booleans()):
        sizes = list(tensor.shape)
        sizes[draw(st.integers(0, 2))] = draw(st.one_of(st.just(0), st.just(-1), st.integers(-INT64, -1)))
    return message(tuple(sizes), tensor.data)


def huge_shape(draw: DrawFn, tensor: pb.Tensor) -> pb.Tensor:
    """Claim more memory than any machine has."""
    _, positions, width = tensor.shape
    return message((draw(st.integers(1 << 32, INT64 - 1)), positions, width), tensor.data)


def too_many_positions(draw: DrawFn, tensor: pb.Tensor) -> pb.Tensor:
    """Claim sequences longer than any model's, in a few bytes that inflate to megabytes."""
    rows, _, width = tensor.shape
    return message((rows, draw(st.integers(1 << 20, INT64 - 1)), width), BOMB, codec="zlib")


def wrong_dtype(draw: DrawFn, tensor: pb.Tensor) -> pb.Tensor:
    """Name another type, known or not."""
    return message(tuple(tensor.shape), tensor.data, draw(st.one_of(st.sampled_from((0, 2, 3, 4)), FAR_DTYPES)))


def unknown_codec(draw: DrawFn, tensor: pb.Tensor) -> pb.Tensor:
    """Name a codec that does not exist."""
    return message(tuple(tensor.shape), tensor.data, codec=draw(ODD_CODECS))


def wrong_checksum(draw: DrawFn, tensor: pb.Tensor) -> pb.Tensor:
    """Alter the checksum."""
    tensor.checksum ^= draw(st.integers(1, (1 << 32) - 1))
    return tensor


def wrong_length(draw: DrawFn, tensor: pb.Tensor) -> pb.Tensor:
    """Send slightly more or fewer bytes than the shape has."""
    extra = draw(st.binary(min_size=1, max_size=64))
    return message(tuple(tensor.shape), draw(st.sampled_from((tensor.data + extra, tensor.data[: -len(extra)]))))


def bomb(draw: DrawFn, tensor: pb.Tensor) -> pb.Tensor:
    """Send a few bytes that inflate to more than the shape has, up to megabytes."""
    size = draw(st.integers(len(tensor.data) + 1, BOMB_BYTES))
    return message(tuple(tensor.shape), zlib.compress(bytes(size), 9), codec="zlib")


def damaged_stream(draw: DrawFn, tensor: pb.Tensor) -> pb.Tensor:
    """Send a truncated compressed stream, or bytes that are not one."""
    whole = zlib.compress(tensor.data)
    cut = whole[: draw(st.integers(0, len(whole) - 1))]
    return message(tuple(tensor.shape), draw(st.one_of(st.just(cut), st.binary(max_size=64))), codec="zlib")


@dataclass(frozen=True)
class Flaw:
    """What can be wrong with a tensor, and why the trunk refuses it."""

    make: Callable[[DrawFn, pb.Tensor], pb.Tensor]
    reason: str


FLAWS: Mapping[str, Flaw] = {
    "NaN or infinity": Flaw(not_finite, "NON_FINITE"),
    "wrong shape": Flaw(wrong_shape, "BAD_SHAPE"),
    "size of zero or less": Flaw(no_size, "BAD_SIZE"),
    "huge shape": Flaw(huge_shape, "TOO_LARGE"),
    "too many positions": Flaw(too_many_positions, "BAD_SHAPE"),
    "wrong dtype": Flaw(wrong_dtype, "BAD_DTYPE"),
    "unknown codec": Flaw(unknown_codec, "UNKNOWN_CODEC"),
    "wrong checksum": Flaw(wrong_checksum, "CORRUPT"),
    "wrong length": Flaw(wrong_length, "BAD_DATA"),
    "decompression bomb": Flaw(bomb, "DECOMPRESSION_BOMB"),
    "damaged stream": Flaw(damaged_stream, "BAD_DATA"),
}


@st.composite
def flawed(draw: DrawFn, flaw: str, hidden_size: int) -> pb.Tensor:
    """Return hidden states with one flaw."""
    return FLAWS[flaw].make(draw, draw(sound(hidden_size)))


def mask_of_other_shape(draw: DrawFn, mask: pb.Tensor) -> pb.Tensor:
    """Return another number of dimensions, or other sizes."""
    other = draw(st.lists(st.integers(1, 9), max_size=4).filter(lambda sizes: sizes != list(mask.shape)))
    return message(tuple(other), mask.data, pb.DTYPE_UINT8)


def mask_of_other_dtype(draw: DrawFn, mask: pb.Tensor) -> pb.Tensor:
    """Name another type, known or not."""
    return message(tuple(mask.shape), mask.data, draw(st.sampled_from((0, 1, 2, 3, 99))))


def mask_of_other_numbers(draw: DrawFn, mask: pb.Tensor) -> pb.Tensor:
    """Use a number other than 0 and 1."""
    return message(tuple(mask.shape), mask.data[:-1] + bytes([draw(st.integers(2, 255))]), pb.DTYPE_UINT8)


MASK_FLAWS: Mapping[str, Flaw] = {
    "mask of other shape": Flaw(mask_of_other_shape, "BAD_SHAPE"),
    "mask of other dtype": Flaw(mask_of_other_dtype, "BAD_DTYPE"),
    "mask of other numbers": Flaw(mask_of_other_numbers, "BAD_DATA"),
}


@st.composite
def any_tensor(draw: DrawFn) -> pb.Tensor:
    """Return an arbitrary tensor."""
    data = draw(st.binary(max_size=200))
    return pb.Tensor(
        dtype=draw(st.one_of(st.integers(0, 4), FAR_DTYPES)),  # type: ignore[arg-type] # any number
        shape=draw(st.lists(st.one_of(st.integers(0, 4), st.integers(-INT64, INT64 - 1)), max_size=8)),
        codec=draw(st.one_of(st.sampled_from([*CODECS]), ODD_CODECS)),
        data=data,
        checksum=draw(st.one_of(st.just(zlib.crc32(data)), st.integers(0, (1 << 32) - 1))),
    )
