"""Named sizes of GPT-2 that can be trained from seeded initial weights."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from splitlearn.config import TrainingConfig

__all__ = ["PRESETS", "preset_settings"]

PRESETS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "nano": {"n_layer": 3, "n_embd": 16, "n_head": 2, "n_positions": 64},
        "tiny": {"n_layer": 4, "n_embd": 64, "n_head": 4},
        "micro": {"n_layer": 4, "n_embd": 256, "n_head": 8},
        "mini": {"n_layer": 6, "n_embd": 384, "n_head": 6},
        "small": {"n_layer": 12, "n_embd": 768, "n_head": 12},
        "medium": {"n_layer": 24, "n_embd": 1024, "n_head": 16},
    }
)


def preset_settings(config: TrainingConfig) -> dict[str, Any]:
    """Return a preset's keyword arguments for `GPT2Config`; end-of-text is the vocabulary's first token."""
    return {"vocab_size": config.vocab_size, "bos_token_id": 0, "eos_token_id": 0, **PRESETS[config.model]}
