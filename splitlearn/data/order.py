"""The order in which training reads the sequences.

Shapes: N sequences of the data.
"""

import hashlib

import torch

__all__ = ["EpochOrder"]


class EpochOrder:
    """Shuffled numbers of the sequences, a pure function of seed and epoch; keeps the epoch that was asked for last.

    Args:
        seed: of the run.
        count: sequences.
    """

    def __init__(self, seed: int, count: int) -> None:
        self._seed = seed
        self._count = count
        self._epoch = -1
        self._order_N = torch.empty(0, dtype=torch.int32)

    def of(self, epoch: int) -> torch.Tensor:
        """Return the numbers, shape (N,), int32: four bytes a sequence are all the memory that the order takes."""
        if epoch != self._epoch:
            self._order_N = torch.empty(0, dtype=torch.int32)  # before the next one is made, not after
            digest = hashlib.sha256(f"{self._seed}/{epoch}/order of the sequences".encode()).digest()
            generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little"))
            self._order_N = torch.randperm(self._count, generator=generator, dtype=torch.int32)
            self._epoch = epoch
        return self._order_N
