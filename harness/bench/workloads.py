"""Models and batches whose steps are timed."""

from dataclasses import dataclass
from pathlib import Path

from transformers import GPT2Config, GPT2LMHeadModel

from splitlearn.config import TrainingConfig

__all__ = ["WORKLOADS", "Workload"]

BATCH, VOCABULARY = 8, 2048
# More than any run takes; a text that is read again costs nothing.
EPOCHS = 1000


@dataclass(frozen=True)
class Workload:
    """A GPT-2 with random weights, and how it is cut and trained.

    Attributes:
        name: short.
        blocks: in all; the first and the last are the client's.
        width: of the hidden states.
        heads: of attention.
        length: tokens of a sequence.
    """

    name: str
    blocks: int
    width: int
    heads: int
    length: int

    def __str__(self) -> str:
        """Describe it in words."""
        return f"{self.blocks} blocks, {self.width} wide, {BATCH} x {self.length} tokens"

    def config(self, folder: Path, microbatches: int, steps: int) -> TrainingConfig:
        """Return the settings of a run with one thread in every process; its model is written unless it is there."""
        place = folder / self.name
        if not place.exists():
            shape = GPT2Config(
                n_layer=self.blocks, n_embd=self.width, n_head=self.heads, n_positions=self.length,
                vocab_size=VOCABULARY, bos_token_id=0, eos_token_id=0,
            )  # fmt: skip
            GPT2LMHeadModel(shape).save_pretrained(place)
        return TrainingConfig(
            model=str(place), cuts=f"1:{self.blocks - 1}", vocab_size=VOCABULARY, max_length=self.length,
            batch_size=BATCH, gradient_accumulation_steps=microbatches, max_steps=steps, num_epochs=EPOCHS,
            save_minutes=0, threads=1,
        )  # fmt: skip


WORKLOADS = (Workload("W1", 4, 128, 4, 64), Workload("W2", 6, 384, 6, 128))
