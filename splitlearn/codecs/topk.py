"""An eighth of the bytes: the largest tenth of each row, and where it was."""

import torch

from splitlearn.codecs import largest_of, register, rows_of, sparse_bytes, tensor_from_sparse

__all__ = ["TopkCodec"]


@register
class TopkCodec:
    """Keeps the tenth of each row (the last dimension) that has the largest magnitudes; the others arrive as zero.

    By row rather than by tensor: a few positions of a GPT-2 have activations hundreds of times as large as all others,
    and would leave none of these.
    """

    name = "topk"
    lossless = False
    error_bound = "|x|, and 0 in the tenth of each row that has the largest magnitudes"

    def encode(self, tensor: torch.Tensor) -> bytes:
        """Encode a contiguous CPU tensor."""
        rows_RW = rows_of(tensor)
        return sparse_bytes(rows_RW, largest_of(rows_RW))

    def decode(self, data: bytes, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
        """Decode a tensor; raises `ValueError` if the length or a position is wrong."""
        return tensor_from_sparse(data, dtype, shape)
