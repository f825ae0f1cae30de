"""The training data: which sequences make up which step.

Everything is a pure function of configuration and step, so that a restarted client, and a judge in another process,
see the same batches.

Shapes: N sequences of the data, B sequences of a microbatch.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import torch

from splitlearn.config import TrainingConfig
from splitlearn.data.batch import Microbatch, StepBatch, pad_to_microbatch
from splitlearn.data.order import EpochOrder
from splitlearn.data.stored import Sequences, digest_of_sequences
from splitlearn.data.tokenizer import Tokenizer

__all__ = ["TrainingData"]


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Tokenised sequences and the order in which training reads them.

    Args:
        config: seed, batch sizes and number of epochs and steps.
        tokenizer: the one that made the sequences.
        sequences: in file order; at least one.
        skipped_lines: number of lines left out because they have no target.
        cut_lines: number of lines that are longer than a sequence may be.
        cut_tokens: number of tokens cut from those lines.
    """

    config: TrainingConfig
    tokenizer: Tokenizer
    sequences: Sequences
    skipped_lines: int
    cut_lines: int = 0
    cut_tokens: int = 0

    @property
    def vocab_size(self) -> int:
        """One more than the largest token id of the tokenizer."""
        return self.tokenizer.vocab_size

    @property
    def steps_per_epoch(self) -> int:
        """Steps per pass over the data; the last may be smaller than the others."""
        return -(-len(self.sequences) // self._sequences_per_step)

    @property
    def total_steps(self) -> int:
        """Steps of the whole training: `num_epochs` passes, or `max_steps` if that is fewer."""
        all_steps = self.config.num_epochs * self.steps_per_epoch
        return min(all_steps, self.config.max_steps or all_steps)

    def position(self, step: int) -> tuple[int, int]:
        """Return the epoch of a step and the step's number in it, both from 0."""
        return divmod(step, self.steps_per_epoch)

    def step(self, index: int) -> StepBatch:
        """Return the microbatches of one step; the same ones at every call.

        Args:
            index: step from 0 to `total_steps - 1`.

        Returns:
            Up to `gradient_accumulation_steps` microbatches of up to `batch_size` sequences.
        """
        assert 0 <= index < self.total_steps, f"step {index} of {self.total_steps}"
        epoch, step_in_epoch = self.position(index)
        order_N = self._order.of(epoch)
        start = step_in_epoch * self._sequences_per_step
        chosen_N = order_N[start : start + self._sequences_per_step]
        return tuple(self._microbatch(rows_B.tolist()) for rows_B in torch.split(chosen_N, self.config.batch_size))

    def fingerprint(self) -> str:
        """Return the SHA-256 of all sequences in file order, in hexadecimal."""
        return digest_of_sequences(self.sequences)

    def evaluation_batches(self) -> Iterator[Microbatch]:
        """Yield every sequence once, in file order."""
        size, count = self.config.batch_size, len(self.sequences)
        for start in range(0, count, size):
            yield self._microbatch(range(start, min(start + size, count)))

    @property
    def _sequences_per_step(self) -> int:
        return self.config.batch_size * self.config.gradient_accumulation_steps

    @cached_property
    def _order(self) -> EpochOrder:
        return EpochOrder(self.config.seed, len(self.sequences))

    def _microbatch(self, rows_B: Iterable[int]) -> Microbatch:
        return pad_to_microbatch([self.sequences[row] for row in rows_B])
