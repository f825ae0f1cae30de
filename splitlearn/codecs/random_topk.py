"""An eighth of the bytes: most of the largest tenth of each row, and a few of the others, drawn at random."""

import hashlib

import numpy as np
import numpy.typing as npt
import torch

from splitlearn.codecs import kept_of, largest_of, lowest_of, register, rows_of, sparse_bytes, tensor_from_sparse

__all__ = ["RandomTopkCodec"]

Rows = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.uint32]

LEAVING = 2**32 // 10  # an element of the largest tenth leaves if its random number is below: one in ten
NO_LOT = np.uint32(2**32 - 1)  # of an element that is in already; lots have 31 bits
KEY_BYTES = 16  # of Philox


@register
class RandomTopkCodec:
    """As `topk`, but one in ten of the kept elements gives its place to one of the others of its row.

    After F. Zheng, C. Chen, L. Lyu, B. Yao, "Reducing Communication for Split Learning by Randomized Top-k
    Sparsification", IJCAI 2023: where only the largest cross the cut, the others are never trained. An element that is
    NaN or infinite keeps its place. The random numbers are those of Philox, whose key is a digest of the tensor, so a
    tensor that is sent again has the same bytes.
    """

    name = "random-topk"
    lossless = False
    error_bound = "|x|, and 0 in a tenth of each row"

    def encode(self, tensor: torch.Tensor) -> bytes:
        """Encode a contiguous CPU tensor."""
        rows_RW = rows_of(tensor)
        return sparse_bytes(rows_RW, _drawn(rows_RW))

    def decode(self, data: bytes, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
        """Decode a tensor; raises `ValueError` if the length or a position is wrong."""
        return tensor_from_sparse(data, dtype, shape)


def _drawn(rows_RW: Rows) -> Mask:
    """Return which elements are kept, RW."""
    largest_RW = largest_of(rows_RW)
    if kept_of(rows_RW.shape[1]) == rows_RW.shape[1]:
        return largest_RW  # of a row's only element there is no other
    numbers_RW = _random_numbers(rows_RW)
    leaving_RW = largest_RW & (numbers_RW < LEAVING) & np.isfinite(rows_RW)
    lots_RW = np.where(largest_RW, NO_LOT, numbers_RW >> 1)
    coming_RW = lowest_of(lots_RW, np.count_nonzero(leaving_RW, axis=1))
    drawn_RW: Mask = largest_RW & ~leaving_RW | coming_RW
    return drawn_RW


def _random_numbers(rows_RW: Rows) -> Numbers:
    """Return one for each element, row by row, RW."""
    digest = hashlib.sha256(rows_RW.tobytes()).digest()
    pairs = np.random.Philox(key=int.from_bytes(digest[:KEY_BYTES], "little")).random_raw(-(-rows_RW.size // 2))
    return pairs.astype("<u8").view("<u4")[: rows_RW.size].reshape(rows_RW.shape)
