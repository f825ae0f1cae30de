"""GPT-2 cut in three.

The stages keep Hugging Face's own modules and parameter names, so that a part's weights are a subset of the whole
model's. Shapes: B sequences, T positions, H hidden width, V vocabulary.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.masking_utils import create_causal_mask

from splitlearn.config import TrainingConfig
from splitlearn.cuts import Cuts
from splitlearn.errors import ModelError
from splitlearn.files import make_out_folder
from splitlearn.models.family import ClientStage, ModelIdentity, TrunkStage, fingerprint
from splitlearn.models.parts import MANIFEST, PART_NAMES, PartsManifest, read_part, write_parts
from splitlearn.models.sources import build_empty, is_parts_folder, load_config, load_whole

__all__ = ["Gpt2ClientStage", "Gpt2Family", "Gpt2TrunkStage"]

# Settings of GPT2Config that change the arithmetic; compared one by one at the handshake.
COMPARED_SETTINGS = (
    "vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "n_inner", "activation_function",
    "resid_pdrop", "embd_pdrop", "attn_pdrop", "layer_norm_epsilon", "scale_attn_weights",
    "scale_attn_by_inverse_layer_idx", "reorder_and_upcast_attn", "tie_word_embeddings",
)  # fmt: skip


def run_blocks(
    blocks: Iterable[nn.Module], config: GPT2Config, hidden_BTH: torch.Tensor, attention_mask_BT: torch.Tensor
) -> torch.Tensor:
    """Run blocks as the uncut model does.

    A block called by itself has no causal mask: the library's own function builds it, so that every part uses the same
    attention kernel as the whole model.
    """
    positions = torch.arange(hidden_BTH.shape[1], device=hidden_BTH.device).unsqueeze(0)
    mask = create_causal_mask(
        config=config,
        inputs_embeds=hidden_BTH,
        attention_mask=attention_mask_BT,
        past_key_values=None,
        position_ids=positions,
    )
    for block in blocks:
        hidden_BTH = block(hidden_BTH, None, mask, use_cache=False, position_ids=positions)
    return hidden_BTH


class Gpt2ClientStage(ClientStage):
    """Embeddings and first blocks; last blocks, final norm and head."""

    transformer: Any  # the library's tree of modules, with some blocks missing
    lm_head: nn.Linear

    def __init__(self, model: GPT2LMHeadModel, cuts: Cuts) -> None:
        super().__init__()
        self.config = model.config
        self.lower = [str(i) for i in range(cuts.lower)]
        self.upper = [str(i) for i in range(cuts.upper, model.config.n_layer)]
        source = model.transformer
        self.transformer = nn.Module()
        self.transformer.wte, self.transformer.wpe, self.transformer.drop = source.wte, source.wpe, source.drop
        self.transformer.h = nn.ModuleDict({key: source.h[int(key)] for key in self.lower + self.upper})
        self.transformer.ln_f = source.ln_f
        self.lm_head = model.lm_head
        self.tie()

    def tie(self) -> None:
        """Make the head share the token embedding if the model's configuration says so."""
        if self.config.tie_word_embeddings:
            self.lm_head.weight = self.transformer.wte.weight

    def bottom(self, input_ids_BT: torch.Tensor, attention_mask_BT: torch.Tensor) -> torch.Tensor:
        """Embed the tokens and run the first blocks; return the smashed data, BTH."""
        parts = self.transformer
        positions = torch.arange(input_ids_BT.shape[1], device=input_ids_BT.device).unsqueeze(0)
        hidden_BTH = parts.drop(parts.wte(input_ids_BT) + parts.wpe(positions))
        blocks = [parts.h[key] for key in self.lower]
        return run_blocks(blocks, self.config, hidden_BTH, attention_mask_BT)

    def top(self, features_BTH: torch.Tensor, attention_mask_BT: torch.Tensor) -> torch.Tensor:
        """Run the last blocks, the final norm and the head; return the logits, BTV."""
        blocks = [self.transformer.h[key] for key in self.upper]
        hidden_BTH = run_blocks(blocks, self.config, features_BTH, attention_mask_BT)
        logits_BTV: torch.Tensor = self.lm_head(self.transformer.ln_f(hidden_BTH))
        return logits_BTV

    def bottom_parameters(self) -> Mapping[str, nn.Parameter]:
        """Return the parameters that the bottom uses, by Hugging Face name."""
        prefixes = ["transformer.wte.", "transformer.wpe.", *(f"transformer.h.{key}." for key in self.lower)]
        return {name: p for name, p in self.named_parameters() if name.startswith(tuple(prefixes))}

    def top_parameters(self) -> Mapping[str, nn.Parameter]:
        """Return the parameters that the top uses, by Hugging Face name; tied weights are in both."""
        prefixes = ["transformer.ln_f.", "lm_head.", *(f"transformer.h.{key}." for key in self.upper)]
        prefixes += ["transformer.wte."] if self.config.tie_word_embeddings else []
        return {name: p for name, p in self.named_parameters() if name.startswith(tuple(prefixes))}


class Gpt2TrunkStage(TrunkStage):
    """The middle blocks; each keeps its layer index, which scales its attention in some configurations."""

    transformer: Any  # the library's tree of modules, with only the middle blocks

    def __init__(self, model: GPT2LMHeadModel, cuts: Cuts) -> None:
        super().__init__()
        self.config = model.config
        self.transformer = nn.Module()
        middle = range(cuts.lower, cuts.upper)
        self.transformer.h = nn.ModuleDict({str(i): model.transformer.h[i] for i in middle})

    def forward(self, smashed_BTH: torch.Tensor, attention_mask_BT: torch.Tensor) -> torch.Tensor:
        """Run the middle blocks; return the features, BTH."""
        return run_blocks(self.transformer.h.values(), self.config, smashed_BTH, attention_mask_BT)


def part_names(names: Iterable[str], cuts: Cuts) -> dict[str, list[str]]:
    """Sort parameter names into bottom, trunk and top."""
    sorted_names: dict[str, list[str]] = {name: [] for name in PART_NAMES}
    for name in names:
        block = int(name.split(".")[2]) if name.startswith("transformer.h.") else None
        if block is None:
            part = "bottom" if name.startswith(("transformer.wte.", "transformer.wpe.")) else "top"
        else:
            part = "bottom" if block < cuts.lower else "trunk" if block < cuts.upper else "top"
        sorted_names[part].append(name)
    return sorted_names


class Gpt2Family:
    """Loads any Hugging Face GPT-2, cuts it, and joins it again."""

    name = "gpt2"

    def load_client(self, config: TrainingConfig) -> tuple[ClientStage, ModelIdentity]:
        """Load bottom and top from a preset, folder, hub name or parts folder; raises `ModelError`."""
        if not is_parts_folder(config.model):
            model = load_whole(config)
            _check_cuts(config.cuts, model.config)
            trunk = Gpt2TrunkStage(model, config.cuts)
            identity = self._identity(model, fingerprint(dict(trunk.named_parameters())))
            return Gpt2ClientStage(model, config.cuts), identity
        model, manifest = self._open_parts(config)
        stage = Gpt2ClientStage(model, config.cuts)
        folder = Path(config.model)
        weights = {**read_part(folder, "bottom", manifest), **read_part(folder, "top", manifest)}
        _assign(stage, weights)
        stage.tie()
        return stage, self._identity(model, manifest.fingerprints["trunk"])

    def load_trunk(self, config: TrainingConfig) -> tuple[TrunkStage, ModelIdentity]:
        """Load the middle from a preset, folder, hub name or parts folder; raises `ModelError`."""
        if is_parts_folder(config.model):
            model, manifest = self._open_parts(config)
            stage = Gpt2TrunkStage(model, config.cuts)
            _assign(stage, read_part(Path(config.model), "trunk", manifest))
        else:
            model = load_whole(config)
            _check_cuts(config.cuts, model.config)
            stage = Gpt2TrunkStage(model, config.cuts)
        return stage, self._identity(model, fingerprint(dict(stage.named_parameters())))

    def split(self, config: TrainingConfig, folder: Path) -> None:
        """Write bottom, trunk and top of `config.model` as safetensors; raises `ModelError` or `ConfigError`."""
        model = load_whole(config)
        _check_cuts(config.cuts, model.config)
        weights = dict(model.named_parameters())
        names = part_names(weights, config.cuts)
        make_out_folder(folder)
        model.config.save_pretrained(folder)
        parts = {part: {name: weights[name] for name in names[part]} for part in PART_NAMES}
        write_parts(folder, self.name, str(config.cuts), parts)

    def export(self, config: TrainingConfig, weights: Mapping[str, torch.Tensor], folder: Path) -> None:
        """Write all parts' weights as one checkpoint for `GPT2LMHeadModel.from_pretrained`; raises `ModelError`."""
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

    def _open_parts(self, config: TrainingConfig) -> tuple[GPT2LMHeadModel, PartsManifest]:
        manifest = PartsManifest.read(Path(config.model))
        if manifest.cuts != str(config.cuts):
            where = Path(config.model) / MANIFEST
            raise ModelError(f"cuts = {config.cuts}: {where} was cut at {manifest.cuts}; use --cuts {manifest.cuts}")
        model = build_empty(load_config(config))
        return model, manifest

    def _identity(self, model: GPT2LMHeadModel, trunk_fingerprint: str) -> ModelIdentity:
        settings = {f"model.{key}": str(getattr(model.config, key)) for key in COMPARED_SETTINGS}
        return ModelIdentity(
            family=self.name,
            settings=settings,
            parameter_order=tuple(name for name, _ in model.named_parameters()),
            trunk_fingerprint=trunk_fingerprint,
            positions=model.config.n_positions,
            vocab_size=model.config.vocab_size,
            hidden_size=model.config.n_embd,
        )


def _assign(stage: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    expected = {(name, parameter.shape) for name, parameter in stage.named_parameters()}
    found = {(name, tensor.shape) for name, tensor in weights.items()}
    if expected != found:
        odd = sorted({name for name, _ in expected ^ found})[:3]
        raise ModelError(f"the part's parameters are not the model's; first that differ: {odd}")
    stage.load_state_dict(dict(weights), strict=False, assign=True)


def _check_cuts(cuts: Cuts, config: GPT2Config) -> None:
    if cuts.upper > config.n_layer:
        raise ModelError(f"cuts = {cuts}: the model has {config.n_layer} blocks, so upper may be at most that")
