"""Where a whole GPT-2 comes from: a preset with seeded weights, a local folder, or a hub name."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import GPT2Config, GPT2LMHeadModel

from splitlearn.config import TrainingConfig
from splitlearn.errors import ModelError
from splitlearn.models.parts import MANIFEST
from splitlearn.presets import PRESETS, dropout_settings, preset_settings

__all__ = ["build_empty", "is_parts_folder", "load_config", "load_whole"]


def is_parts_folder(model: str) -> bool:
    """Say whether `model` names a folder written by `splitlearn split`."""
    return (Path(model) / MANIFEST).is_file()


def load_config(config: TrainingConfig) -> GPT2Config:
    """Read the model's own configuration, with the run's attention backend and dropout; raises `ModelError`."""
    if config.model in PRESETS:
        settings = GPT2Config(**preset_settings(config))
    else:
        try:
            settings = GPT2Config.from_pretrained(config.model, **dropout_settings(config))
        except (OSError, ValueError) as error:
            raise _unavailable(config.model, error) from None
        if settings.model_type != "gpt2":
            raise ModelError(f"model = {config.model!r} is of type {settings.model_type!r}; only gpt2 can be cut")
    settings._attn_implementation = config.attention
    return settings


def load_whole(config: TrainingConfig) -> GPT2LMHeadModel:
    """Load the uncut model in float32, in training mode; raises `ModelError`."""
    settings = load_config(config)
    if config.model in PRESETS:
        torch.manual_seed(config.seed)
        return _training(GPT2LMHeadModel(settings))
    try:
        loaded: Any = GPT2LMHeadModel.from_pretrained(
            config.model, config=settings, dtype=torch.float32, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise _unavailable(config.model, error) from None
    model, found = loaded
    if found["missing_keys"]:  # the library would fill them with random numbers
        raise ModelError(f"model = {config.model!r} has no weights for {sorted(found['missing_keys'])[0]}")
    return _training(model)


def build_empty(settings: GPT2Config) -> GPT2LMHeadModel:
    """Build the model's modules without memory for their weights."""
    with torch.device("meta"):
        return _training(GPT2LMHeadModel(settings))


def _training(model: GPT2LMHeadModel) -> GPT2LMHeadModel:
    model.train()
    return model


def _unavailable(model: str, error: Exception) -> ModelError:
    first_line = (str(error).splitlines() or [type(error).__name__])[0]
    presets = ", ".join(PRESETS)
    return ModelError(
        f"model = {model!r} cannot be loaded ({first_line}); give a preset ({presets}), "
        "a folder with config.json and weights, or the name of a GPT-2 on the Hugging Face hub"
    )
