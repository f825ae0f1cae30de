"""Which sequences make up which step, how they are padded, and their labels: the judge's own implementation.

Written from "Rules that judge and system share" in docs/architecture.md.
Shapes: L tokens of one sequence, B sequences of a microbatch, T tokens of its longest sequence.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from splitlearn.config import TrainingConfig
from splitlearn.data import Sequences

__all__ = ["Batches", "PaddedBatch"]

NO_TARGET = -100


@dataclass(frozen=True, eq=False)
class PaddedBatch:
    """Token ids, which of them are real, and the labels."""

    input_ids_BT: torch.Tensor
    attention_mask_BT: torch.Tensor
    labels_BT: torch.Tensor

    @property
    def targets(self) -> int:
        """Real tokens that have a predecessor."""
        return int(self.attention_mask_BT[:, 1:].sum())


class Batches:
    """Every step's microbatches.

    Args:
        config: seed, sizes and lengths of the training.
        sequences: tokenised text in file order, each of shape (L,).
    """

    def __init__(self, config: TrainingConfig, sequences: Sequences) -> None:
        self._config = config
        self._sequences = sequences
        self._per_step = config.batch_size * config.gradient_accumulation_steps

    @property
    def total_steps(self) -> int:
        """Steps of all epochs, or fewer if the configuration says so; an epoch's last step may be smaller."""
        whole, rest = divmod(len(self._sequences), self._per_step)
        steps = (whole + bool(rest)) * self._config.num_epochs
        return min(steps, self._config.max_steps) if self._config.max_steps else steps

    def step(self, number: int) -> list[PaddedBatch]:
        """Return the microbatches of a step, counted from 0."""
        rows, size = self.rows(number), self._config.batch_size
        return [self._padded(rows[first : first + size]) for first in range(0, len(rows), size)]

    def rows(self, number: int) -> list[int]:
        """Return the indices of a step's sequences."""
        count = len(self._sequences)
        steps_per_epoch = (count + self._per_step - 1) // self._per_step
        epoch, step = divmod(number, steps_per_epoch)
        text = f"{self._config.seed}/{epoch}/order of the sequences"
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
        order: list[int] = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist()
        return order[step * self._per_step : (step + 1) * self._per_step]

    def _padded(self, rows: Sequence[int]) -> PaddedBatch:
        shape = len(rows), max(len(self._sequences[row]) for row in rows)
        ids_BT, mask_BT = torch.zeros(shape, dtype=torch.int64), torch.zeros(shape, dtype=torch.int64)
        labels_BT = torch.full(shape, NO_TARGET)
        for place, row in enumerate(rows):
            sequence_L = self._sequences[row]
            length = len(sequence_L)
            ids_BT[place, :length] = labels_BT[place, :length] = sequence_L
            mask_BT[place, :length] = 1
        return PaddedBatch(ids_BT, mask_BT, labels_BT)
