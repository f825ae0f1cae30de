"""The training loss, summed over tokens.

Shapes: B sequences, T positions, V vocabulary.
"""

import torch
import torch.nn.functional as F

from splitlearn.config import TrainingConfig
from splitlearn.data import IGNORED_LABEL

__all__ = ["token_loss_sum"]

Z_LOSS_WEIGHT = 1e-4  # as in PaLM (Chowdhery et al., 2022), section 5


def token_loss_sum(logits_BTV: torch.Tensor, labels_BT: torch.Tensor, config: TrainingConfig) -> torch.Tensor:
    """Sum the loss over all tokens that have a target.

    The targets are shifted, not the logits: every row of the logits takes part in the sum, those without a target
    as zero. Any other arrangement would round differently from Hugging Face's own loss.

    Args:
        logits_BTV: scores, any floating dtype; the loss is computed in float32.
        labels_BT: token ids; -100 has no loss. Position t is predicted from position t - 1.
        config: gives loss type and label smoothing.

    Returns:
        A float32 scalar in nats; divide it by the number of target tokens of the whole step.
    """
    logits = logits_BTV.float().view(-1, logits_BTV.shape[-1])
    targets = F.pad(labels_BT, (0, 1), value=IGNORED_LABEL)[..., 1:].reshape(-1)
    loss = F.cross_entropy(
        logits, targets, ignore_index=IGNORED_LABEL, reduction="sum", label_smoothing=config.label_smoothing
    )
    if config.loss_type == "z_loss":
        log_z = torch.logsumexp(logits, dim=-1)
        loss = loss + Z_LOSS_WEIGHT * (log_z.square() * (targets != IGNORED_LABEL)).sum()
    return loss
