"""The order in which training reads the sequences.

Shapes: N sequences of the data.
"""

import hashlib

import torch

__all__ = ["EpochOrder"]


class EpochOrder:
    """Shuffled sequence indices, a pure function of seed and epoch; caches the last epoch asked for.

    Args:
        seed: the run's.
        count: number of sequences.
    """

    def __init__(self, seed: int, count: int) -> None:
        self._seed = seed
        self._count = count
        self._epoch = -1
        self._order_N = torch.empty(0, dtype=torch.int32)

    def of(self, epoch: int) -> torch.Tensor:
        """Return the indices, shape (N,), int32: the order takes only four bytes of memory per sequence."""
        if epoch != self._epoch:
            self._order_N = torch.empty(0, dtype=torch.int32)  # free the old one before making the next
            digest = hashlib.sha256(f"{self._seed}/{epoch}/order of the sequences".encode()).digest()
            generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little"))
            self._order_N = torch.randperm(self._count, generator=generator, dtype=torch.int32)
            self._epoch = epoch
        return self._order_N
