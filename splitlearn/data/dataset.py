"""The training data: which sequences make which step.

Every answer is a pure function of configuration and step, so that a client that starts again, and a judge in
another process, see the very same batches.

Shapes: L tokens of one sequence, N sequences of the data, B sequences of a microbatch.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch

from splitlearn.config import TrainingConfig
from splitlearn.data.batch import Microbatch, StepBatch, pad_to_microbatch
from splitlearn.data.corpus import read_documents, text_lines
from splitlearn.data.sequences import pack_documents, tokenise_lines
from splitlearn.data.tokenizer import Tokenizer, load_tokenizer
from splitlearn.errors import DataError

__all__ = ["TrainingData", "load_training_data"]


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Tokenised sequences and the order in which training reads them.

    Args:
        config: seed, batch sizes and number of epochs and steps.
        tokenizer: what made the sequences.
        sequences: int64 tensors of shape (L,) in file order, each with its own L >= 2; at least one.
        skipped_lines: lines that were left out because they have no target.
    """

    config: TrainingConfig
    tokenizer: Tokenizer
    sequences: tuple[torch.Tensor, ...]
    skipped_lines: int

    @property
    def vocab_size(self) -> int:
        """One more than the largest token id of the tokenizer."""
        return self.tokenizer.vocab_size

    @property
    def steps_per_epoch(self) -> int:
        """Steps of one pass over the data; the last may be smaller than the others."""
        return -(-len(self.sequences) // self._sequences_per_step)

    @property
    def total_steps(self) -> int:
        """Steps of the whole training: `num_epochs` passes, or `max_steps` where that is fewer."""
        all_steps = self.config.num_epochs * self.steps_per_epoch
        return min(all_steps, self.config.max_steps or all_steps)

    def position(self, step: int) -> tuple[int, int]:
        """Give the epoch of a step and the step's number in it, both from 0."""
        return divmod(step, self.steps_per_epoch)

    def step(self, index: int) -> StepBatch:
        """Give the microbatches of one step, the same ones whenever it is asked.

        Args:
            index: step from 0 to `total_steps - 1`.

        Returns:
            Up to `gradient_accumulation_steps` microbatches of up to `batch_size` sequences.
        """
        assert 0 <= index < self.total_steps, f"step {index} of {self.total_steps}"
        epoch, step_in_epoch = self.position(index)
        order_N = _epoch_order(self.config.seed, epoch, len(self.sequences))
        start = step_in_epoch * self._sequences_per_step
        chosen_N = order_N[start : start + self._sequences_per_step]
        return tuple(self._microbatch(rows_B) for rows_B in torch.split(chosen_N, self.config.batch_size))

    def fingerprint(self) -> str:
        """Digest every sequence, in file order; SHA-256 in hexadecimal."""
        digest = hashlib.sha256()
        for sequence_L in self.sequences:
            digest.update(f"{len(sequence_L)}|".encode() + sequence_L.numpy().tobytes())
        return digest.hexdigest()

    def evaluation_batches(self) -> Iterator[Microbatch]:
        """Give every sequence once, in file order."""
        for rows_B in torch.split(torch.arange(len(self.sequences)), self.config.batch_size):
            yield self._microbatch(rows_B)

    def check_token_ids(self, max_id_allowed: int) -> None:
        """Refuse data that a model cannot embed.

        Args:
            max_id_allowed: largest id that the model's embedding has.

        Raises:
            DataError: a larger id occurs; the message names the first one and its sequence.
        """
        for number, sequence_L in enumerate(self.sequences):
            too_large = sequence_L[sequence_L > max_id_allowed]
            if len(too_large):
                raise DataError(
                    f"sequence {number} holds token id {int(too_large[0])}, but the model knows ids up to "
                    f"{max_id_allowed} only; set tokenizer to the model's own, or lower vocab_size to "
                    f"{max_id_allowed + 1} where the tokenizer is trained on the data"
                )

    @property
    def _sequences_per_step(self) -> int:
        return self.config.batch_size * self.config.gradient_accumulation_steps

    def _microbatch(self, rows_B: torch.Tensor) -> Microbatch:
        return pad_to_microbatch([self.sequences[row] for row in rows_B.tolist()])


def load_training_data(config: TrainingConfig, text: str | None = None) -> TrainingData:
    """Read and tokenise the text that the configuration names.

    Args:
        config: names the text, and the tokenizer or the text that it is trained on.
        text: another text, to be read with the same tokenizer; None takes the configuration's.

    Raises:
        DataError: text or tokenizer cannot be had, or no text is long enough to learn from.
    """
    documents = read_documents(config.data)
    tokenizer = load_tokenizer(config, documents)
    if text is not None and text != config.data:
        documents = read_documents(text)
    if config.data_format == "lines":
        lines = text_lines(documents)
        sequences = tokenise_lines(lines, tokenizer, config.max_length)
        skipped_lines = len(lines) - len(sequences)
    else:
        sequences = pack_documents(documents, tokenizer, config.max_length)
        skipped_lines = 0
    if not sequences:
        raise DataError(
            f"data = {text or config.data}: no text in it has two tokens, so nothing can be learnt; give more text"
        )
    return TrainingData(config=config, tokenizer=tokenizer, sequences=sequences, skipped_lines=skipped_lines)


@lru_cache(maxsize=2)
def _epoch_order(seed: int, epoch: int, count: int) -> torch.Tensor:
    """Shuffle the numbers of the sequences; shape (N,)."""
    digest = hashlib.sha256(f"{seed}/{epoch}/order of the sequences".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little"))
    return torch.randperm(count, generator=generator)
