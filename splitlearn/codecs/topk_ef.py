"""The largest tenth of each row, and with the next tensor what was left out of this one: error feedback."""

import torch

from splitlearn.codecs import State, largest_of, register, rows_of, sparse_bytes, tensor_from_sparse

__all__ = ["TopkEfCodec"]


@register
class TopkEfCodec:
    """As `topk`, of the sum of a tensor and what is owed: all that was not sent of the sum before.

    After F. Seide et al., "1-Bit Stochastic Gradient Descent", Interspeech 2014, and S. Stich, J.-B. Cordonnier, M.
    Jaggi, "Sparsified SGD with Memory", NeurIPS 2018. Only the sender has a state. A tensor of another shape, as in a
    batch that is padded to another length, has no elements in the same places: what is owed is then dropped.
    """

    name = "topk-ef"
    lossless = False
    error_bound = "max(|x|, |owed| + 2^-24 |x + owed|)"

    def encode_after(self, state: State, tensor: torch.Tensor) -> tuple[bytes, State]:
        """Encode a contiguous CPU tensor; return the bytes, and what is owed after it."""
        owed = state.get("owed")
        plain = tensor.to(torch.float32)
        rows_RW = rows_of(plain if owed is None or owed.shape != plain.shape else plain + owed)
        kept_RW = largest_of(rows_RW)
        left = torch.from_numpy(rows_RW).masked_fill(torch.from_numpy(kept_RW), 0.0)
        return sparse_bytes(rows_RW, kept_RW), {"owed": left.view(tensor.shape)}

    def decode_after(
        self, state: State, data: bytes, dtype: torch.dtype, shape: tuple[int, ...]
    ) -> tuple[torch.Tensor, State]:
        """Decode a tensor; raises `ValueError` if the length or a position is wrong."""
        return tensor_from_sparse(data, dtype, shape), state
