"""The input of one forward-backward pass, and of one optimizer step.

Shapes: B sequences of a microbatch, T tokens of its longest sequence, L tokens of one sequence.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.utils.rnn import pad_sequence

__all__ = ["IGNORED_LABEL", "Microbatch", "StepBatch", "pad_to_microbatch", "target_tokens"]

IGNORED_LABEL = -100  # what torch's cross entropy ignores by default

# Any id will do: padding is masked out of attention and loss.
PADDING_ID = 0


@dataclass(frozen=True, eq=False)
class Microbatch:
    """Sequences of one forward-backward pass, padded on the right; int64 tensors on the CPU.

    Labels are the input ids at the same position: the loss shifts them by one.

    Args:
        input_ids_BT: token ids.
        attention_mask_BT: 1 at a real token, 0 at padding.
        labels_BT: token ids, `IGNORED_LABEL` at padding.
    """

    input_ids_BT: torch.Tensor
    attention_mask_BT: torch.Tensor
    labels_BT: torch.Tensor

    @property
    def target_tokens(self) -> int:
        """Count the target tokens: real ones that have a predecessor."""
        return int((self.labels_BT[:, 1:] != IGNORED_LABEL).sum())


StepBatch = tuple[Microbatch, ...]


def target_tokens(step_batch: StepBatch) -> int:
    """Count the target tokens in all microbatches of one step."""
    return sum(microbatch.target_tokens for microbatch in step_batch)


def pad_to_microbatch(sequences: Sequence[torch.Tensor]) -> Microbatch:
    """Stack int64 sequences of shape (L,), each with its own L, in the given order."""
    real_BT = pad_sequence([torch.ones_like(sequence_L) for sequence_L in sequences], batch_first=True)
    input_ids_BT = pad_sequence(list(sequences), batch_first=True, padding_value=PADDING_ID)
    return Microbatch(
        input_ids_BT=input_ids_BT,
        attention_mask_BT=real_BT,
        labels_BT=input_ids_BT.masked_fill(real_BT == 0, IGNORED_LABEL),
    )
