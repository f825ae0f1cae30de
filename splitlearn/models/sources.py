"""Where a whole model comes from: a preset with seeded weights, a local folder, or a hub name."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, GPT2Config, PreTrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING
from transformers.utils import logging as library_log

from splitlearn.config import TrainingConfig
from splitlearn.errors import ModelError
from splitlearn.hub import hub_answers_for
from splitlearn.models.layout import Layout
from splitlearn.models.parts import MANIFEST
from splitlearn.presets import PRESETS, preset_settings
from splitlearn.registry import LAYOUTS

__all__ = ["build_empty", "is_parts_folder", "layout_of", "load_config", "load_whole", "with_hub_tokenizer"]

library_log.disable_progress_bar()  # type: ignore[no-untyped-call] # the library's; bars are not for a program's log


def is_parts_folder(model: str) -> bool:
    """Return whether `model` names a folder written by `splitlearn split`."""
    return (Path(model) / MANIFEST).is_file()


def load_config(config: TrainingConfig) -> PreTrainedConfig:
    """Read the model's own configuration, with the run's attention backend and dropout; raises `ModelError`."""
    settings: PreTrainedConfig
    if config.model in PRESETS:
        settings = GPT2Config(**preset_settings(config))
    else:
        _check_spelling(config.model)
        try:
            settings = AutoConfig.from_pretrained(config.model, local_files_only=not hub_answers_for(config.model))
        except (OSError, ValueError) as error:
            raise _unavailable(config.model, error) from None
        if settings.model_type not in LAYOUTS:
            known = ", ".join(LAYOUTS)
            raise ModelError(f"model = {config.model!r} is of type {settings.model_type!r}; only {known} can be cut")
    layout = layout_of(settings)
    if refusal := layout.refusal(settings):
        raise ModelError(f"model = {config.model!r} {refusal}")
    if config.dropout is not None:
        for name in layout.dropouts:
            setattr(settings, name, config.dropout)
    settings._attn_implementation = config.attention
    return settings


def layout_of(settings: PreTrainedConfig) -> Layout:
    """Return the layout of a configuration's family."""
    layout: Layout = LAYOUTS[settings.model_type]
    return layout


def load_whole(config: TrainingConfig) -> PreTrainedModel:
    """Load the uncut model in float32, in training mode; raises `ModelError`."""
    settings = load_config(config)
    if config.model in PRESETS:
        torch.manual_seed(config.seed)
        return _training(_class_of(settings)(settings))
    try:
        loaded: Any = _class_of(settings).from_pretrained(
            config.model,
            config=settings,
            dtype=torch.float32,
            output_loading_info=True,
            local_files_only=not hub_answers_for(config.model),
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise _unavailable(config.model, error) from None
    model, found = loaded
    if found["missing_keys"]:  # the library would initialise them randomly
        raise ModelError(f"model = {config.model!r} has no weights for {sorted(found['missing_keys'])[0]}")
    return _training(model)


def build_empty(settings: PreTrainedConfig) -> PreTrainedModel:
    """Build the model's modules without allocating their weights."""
    with torch.device("meta"):
        model = _training(_class_of(settings)(settings))
    for path in layout_of(settings).everywhere:  # not loaded from any file
        model.set_submodule(path, type(model.get_submodule(path))(settings))
    return model


def with_hub_tokenizer(config: TrainingConfig) -> TrainingConfig:
    """Return settings under which a hub model uses its own tokenizer, unless another one is named.

    Raises:
        ModelError: there is no such model; reported before a long text is read.
    """
    load_config(config)
    of_the_hub = config.model not in PRESETS and not Path(config.model).exists()
    return config.but(tokenizer=config.model) if of_the_hub and not config.tokenizer else config


def _check_spelling(model: str) -> None:
    """Raise `ModelError` for a name that is almost a preset's, before the hub is asked for it."""
    close = get_close_matches(model, PRESETS, n=1, cutoff=0.75)
    if close and not Path(model).exists():
        raise ModelError(f"model = {model!r}: there is no such preset or folder; did you mean {close[0]!r}?")


def _class_of(settings: PreTrainedConfig) -> type[PreTrainedModel]:
    found: Any = MODEL_FOR_CAUSAL_LM_MAPPING[type(settings)]
    kind: type[PreTrainedModel] = found
    return kind


def _training(model: PreTrainedModel) -> PreTrainedModel:
    model.train()
    return model


def _unavailable(model: str, error: Exception) -> ModelError:
    first_line = (str(error).splitlines() or [type(error).__name__])[0]
    return ModelError(
        f"model = {model!r} cannot be loaded ({first_line}); give a preset ({', '.join(PRESETS)}), a folder with "
        "config.json and weights, or the name of a model on the Hugging Face hub; where the hub cannot be reached, "
        "download the model elsewhere and give its folder"
    )
