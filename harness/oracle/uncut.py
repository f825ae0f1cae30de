"""The uncut model: the library's own class, in sizes that the judge defines itself."""

from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, PreTrainedModel

from harness.oracle.layouts import layout_of
from splitlearn.config import TrainingConfig

__all__ = ["load_model"]

# Blocks, width, heads and positions. The last two are GPT-2 small and medium (Radford et al., 2019, table 2).
SIZES = {
    "nano": (3, 16, 2, 64),
    "tiny": (4, 64, 4, 1024),
    "micro": (4, 256, 8, 1024),
    "mini": (6, 384, 6, 1024),
    "small": (12, 768, 12, 1024),
    "medium": (24, 1024, 16, 1024),
}


def load_model(config: TrainingConfig) -> PreTrainedModel:
    """Load the uncut model in training mode: a preset with weights drawn from the run's seed, or a folder."""
    model: PreTrainedModel
    if config.model in SIZES:
        blocks, width, heads, positions = SIZES[config.model]
        settings = GPT2Config(
            n_layer=blocks, n_embd=width, n_head=heads, n_positions=positions, vocab_size=config.vocab_size,
            bos_token_id=0, eos_token_id=0, **_dropouts("gpt2", config.dropout),
        )  # fmt: skip
        settings._attn_implementation = config.attention
        torch.manual_seed(config.seed)
        model = GPT2LMHeadModel(settings)
    else:
        rates = _dropouts(AutoConfig.from_pretrained(config.model).model_type, config.dropout)
        model = AutoModelForCausalLM.from_pretrained(
            config.model, attn_implementation=config.attention, dtype=torch.float32, **rates
        )
    torch.nn.Module.to(model, config.device)  # the library's `to` has no type for this
    model.train()
    return model


def _dropouts(model_type: str, rate: float | None) -> dict[str, Any]:
    return {} if rate is None else dict.fromkeys(layout_of(model_type).dropouts, rate)
