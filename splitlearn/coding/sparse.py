"""A tenth of each row's elements, and where they were.

Rows are the last dimension; shapes: R rows, W elements in each, of which K are kept.
"""

import math

import numpy as np
import numpy.typing as npt
import torch

from splitlearn.coding.codec import bytes_of, tensor_from
from splitlearn.coding.elias_fano import ascending_bytes, ascending_from, ascending_size

__all__ = ["kept_of", "largest_of", "lowest_of", "rows_of", "sparse_bytes", "tensor_from_sparse"]

ONE_IN = 10
VALUE_BYTES = 4
MAGNITUDE = np.int32(0x7FFFFFFF)  # all bits of float32 but the sign; they are in the order of the magnitudes

Rows = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Keys = npt.NDArray[np.int32] | npt.NDArray[np.uint32]


def kept_of(width: int) -> int:
    """Return how many elements of a row are kept: a tenth, rounded up."""
    return -(-width // ONE_IN)


def rows_of(tensor: torch.Tensor) -> Rows:
    """Return a contiguous CPU tensor's rows in float32, RW; of float32, a view."""
    return tensor.to(torch.float32).reshape(_rows_and_width(tuple(tensor.shape))).numpy()


def largest_of(rows_RW: Rows) -> Mask:
    """Return which elements have the K largest magnitudes of their row, RW; of equal ones, those that come first.

    NaN is larger than infinity, so that neither is ever left out in favour of a number.
    """
    keys_RW = MAGNITUDE - (rows_RW.view(np.int32) & MAGNITUDE)
    return lowest_of(keys_RW, np.full(len(rows_RW), kept_of(rows_RW.shape[1])))


def lowest_of(keys_RW: Keys, counts_R: npt.NDArray[np.int64]) -> Mask:
    """Return which elements have the lowest keys of their row, RW, as many as it counts; of equal ones, the first."""
    most = int(counts_R.max(initial=1))
    lowest_RM = np.sort(np.partition(keys_RW, most - 1, axis=1)[:, :most], axis=1)
    limits_R1 = np.take_along_axis(lowest_RM, np.maximum(counts_R - 1, 0)[:, None], axis=1)
    chosen_RW: Mask = keys_RW <= limits_R1
    crowded = np.flatnonzero(np.count_nonzero(chosen_RW, axis=1) > counts_R)
    if crowded.size:
        below, equal = keys_RW[crowded] < limits_R1[crowded], keys_RW[crowded] == limits_R1[crowded]
        room_C1 = counts_R[crowded, None] - np.count_nonzero(below, axis=1, keepdims=True)
        chosen_RW[crowded] = below | (equal & (equal.cumsum(axis=1) <= room_C1))
    return chosen_RW


def sparse_bytes(rows_RW: Rows, kept_RW: Mask) -> bytes:
    """Encode the kept elements, K of each row: first all of them in float32, then their positions in the tensor."""
    positions = np.flatnonzero(kept_RW)
    values = torch.from_numpy(rows_RW.reshape(-1)[positions])
    return bytes_of(values) + ascending_bytes(positions, rows_RW.size)


def tensor_from_sparse(data: bytes, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
    """Decode a tensor that is zero except where elements were kept.

    Raises:
        ValueError: the length is not exact, or the positions are not K different ones in each row.
    """
    rows, width = _rows_and_width(shape)
    kept = kept_of(width)
    end = rows * kept * VALUE_BYTES
    expected = end + ascending_size(rows * kept, rows * width)
    if len(data) != expected:
        raise ValueError(f"{len(data)} bytes instead of {expected}")
    positions = ascending_from(data[end:], rows * kept, rows * width)
    if (positions.reshape(rows, kept) // max(width, 1) != np.arange(rows)[:, None]).any():
        raise ValueError(f"positions of more or less than {kept} elements in a row")
    flat = torch.zeros(rows * width, dtype=dtype)
    flat[torch.from_numpy(positions)] = tensor_from(data[:end], torch.float32, (rows * kept,)).to(dtype)
    return flat.view(shape)


def _rows_and_width(shape: tuple[int, ...]) -> tuple[int, int]:
    return math.prod(shape[:-1]), math.prod(shape[-1:])
