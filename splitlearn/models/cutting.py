"""Models of any family that has a layout: how they are loaded, cut and joined again."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from splitlearn.config import TrainingConfig
from splitlearn.cuts import Cuts
from splitlearn.errors import ModelError
from splitlearn.files import make_out_folder
from splitlearn.models.family import ClientStage, ModelIdentity, TrunkStage, fingerprint
from splitlearn.models.layout import Layout
from splitlearn.models.parts import MANIFEST, PART_NAMES, Part, PartsManifest, read_part, write_parts
from splitlearn.models.sources import build_empty, is_parts_folder, layout_of, load_config, load_whole
from splitlearn.models.stages import CutClientStage, CutTrunkStage

__all__ = ["CutFamily"]


def part_names(layout: Layout, names: Iterable[str], cuts: Cuts) -> dict[Part, list[str]]:
    """Sort parameter names into bottom, trunk and top."""
    sorted_names: dict[Part, list[str]] = {name: [] for name in PART_NAMES}
    for name in names:
        sorted_names[layout.part_of(name, cuts)].append(name)
    return sorted_names


class CutFamily:
    """Loads any Hugging Face model whose family has a layout, cuts it, and joins it again."""

    def load_client(self, config: TrainingConfig) -> tuple[ClientStage, ModelIdentity]:
        """Load bottom and top from a preset, folder, hub name or parts folder; raises `ModelError`."""
        if not is_parts_folder(config.model):
            model = load_whole(config)
            _check_cuts(config.cuts, model.config)
            layout = layout_of(model.config)
            trunk = CutTrunkStage(layout, model, config.cuts)
            identity = _identity(layout, model, fingerprint(dict(trunk.named_parameters())))
            return CutClientStage(layout, model, config.cuts), identity
        model, manifest = _open_parts(config)
        layout = layout_of(model.config)
        stage = CutClientStage(layout, model, config.cuts)
        folder = Path(config.model)
        weights = {**read_part(folder, "bottom", manifest), **read_part(folder, "top", manifest)}
        _assign(stage, weights)
        stage.tie()
        return stage, _identity(layout, model, manifest.fingerprints["trunk"])

    def load_trunk(self, config: TrainingConfig) -> tuple[TrunkStage, ModelIdentity]:
        """Load the middle from a preset, folder, hub name or parts folder; raises `ModelError`."""
        if is_parts_folder(config.model):
            model, manifest = _open_parts(config)
            layout = layout_of(model.config)
            stage = CutTrunkStage(layout, model, config.cuts)
            _assign(stage, read_part(Path(config.model), "trunk", manifest))
        else:
            model = load_whole(config)
            _check_cuts(config.cuts, model.config)
            layout = layout_of(model.config)
            stage = CutTrunkStage(layout, model, config.cuts)
        return stage, _identity(layout, model, fingerprint(dict(stage.named_parameters())))

    def split(self, config: TrainingConfig, folder: Path) -> None:
        """Write bottom, trunk and top of `config.model` as safetensors; raises `ModelError` or `ConfigError`."""
        model = load_whole(config)
        _check_cuts(config.cuts, model.config)
        weights = dict(model.named_parameters())
        layout = layout_of(model.config)
        names = part_names(layout, weights, config.cuts)
        make_out_folder(folder)
        model.config.save_pretrained(folder)
        parts = {part: {name: weights[name] for name in names[part]} for part in PART_NAMES}
        write_parts(folder, layout.name, str(config.cuts), parts)

    def export(self, config: TrainingConfig, weights: Mapping[str, torch.Tensor], folder: Path) -> None:
        """Write all parts' weights as one checkpoint for the library's `from_pretrained`; raises `ModelError`."""
        model = build_empty(load_config(config)).to_empty(device="cpu")
        model.tie_weights()
        expected = dict(model.named_parameters())
        if set(weights) != set(expected):
            odd = sorted(set(weights) ^ set(expected))[:3]
            raise ModelError(f"the parts do not make one whole model; first parameters that differ: {odd}")
        with torch.no_grad():
            for name, parameter in expected.items():
                parameter.copy_(weights[name])
        make_out_folder(folder)
        try:
            model.save_pretrained(folder)
        except SafetensorError as error:  # how the library reports a full disk
            raise OSError(
                f"{folder} could not be written: {error}; make room there, or choose another folder"
            ) from None


def _open_parts(config: TrainingConfig) -> tuple[PreTrainedModel, PartsManifest]:
    manifest = PartsManifest.read(Path(config.model))
    if manifest.cuts != str(config.cuts):
        where = Path(config.model) / MANIFEST
        raise ModelError(f"cuts = {config.cuts}: {where} was cut at {manifest.cuts}; use --cuts {manifest.cuts}")
    return build_empty(load_config(config)), manifest


def _identity(layout: Layout, model: PreTrainedModel, trunk_fingerprint: str) -> ModelIdentity:
    settings = {f"model.{key}": str(getattr(model.config, key)) for key in layout.settings}
    frozen = [name for name, parameter in model.named_parameters() if not parameter.requires_grad]
    return ModelIdentity(
        family=layout.name,
        settings=settings | ({"model.frozen": ", ".join(frozen)} if frozen else {}),
        parameter_order=tuple(name for name, parameter in model.named_parameters() if parameter.requires_grad),
        trunk_fingerprint=trunk_fingerprint,
        positions=model.config.max_position_embeddings,
        vocab_size=model.config.vocab_size,
        hidden_size=model.config.hidden_size,
    )


def _assign(stage: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    expected = {(name, parameter.shape) for name, parameter in stage.named_parameters()}
    found = {(name, tensor.shape) for name, tensor in weights.items()}
    if expected != found:
        odd = sorted({name for name, _ in expected ^ found})[:3]
        raise ModelError(f"the part's parameters are not the model's; first that differ: {odd}")
    stage.load_state_dict(dict(weights), strict=False, assign=True)


def _check_cuts(cuts: Cuts, config: PreTrainedConfig) -> None:
    if cuts.upper > config.num_hidden_layers:
        raise ModelError(
            f"cuts = {cuts}: the model has {config.num_hidden_layers} blocks, so upper may be at most that"
        )
