"""The uncut model: the library's own class, in sizes that the judge defines itself."""

from typing import Any

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from splitlearn.config import TrainingConfig

__all__ = ["load_model"]

# Blocks, width and heads. The last two are GPT-2 small and medium (Radford et al., 2019, table 2).
SIZES = {
    "tiny": (4, 64, 4),
    "micro": (4, 256, 8),
    "mini": (6, 384, 6),
    "small": (12, 768, 12),
    "medium": (24, 1024, 16),
}
DROPOUTS = ("embd_pdrop", "attn_pdrop", "resid_pdrop")


def load_model(config: TrainingConfig) -> GPT2LMHeadModel:
    """Load the uncut model in training mode: a preset with weights drawn from the run's seed, or a folder."""
    model: GPT2LMHeadModel
    rates: dict[str, Any] = {} if config.dropout is None else dict.fromkeys(DROPOUTS, config.dropout)
    if config.model in SIZES:
        blocks, width, heads = SIZES[config.model]
        settings = GPT2Config(
            n_layer=blocks, n_embd=width, n_head=heads, vocab_size=config.vocab_size, bos_token_id=0, eos_token_id=0,
            **rates,
        )  # fmt: skip
        settings._attn_implementation = config.attention
        torch.manual_seed(config.seed)
        model = GPT2LMHeadModel(settings)
    else:
        model = GPT2LMHeadModel.from_pretrained(
            config.model, attn_implementation=config.attention, dtype=torch.float32, **rates
        )
    torch.nn.Module.to(model, config.device)  # the library's `to` has no type for this
    model.train()
    return model
