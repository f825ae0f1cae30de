"""What a model family must provide to be cut in three.

Shapes: B sequences, T positions, H hidden width, V vocabulary.
"""

import hashlib
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import nn

from splitlearn.config import TrainingConfig

__all__ = ["ClientStage", "ModelFamily", "ModelIdentity", "Stage", "TrunkStage", "fingerprint"]


class Stage(nn.Module):
    """A part of the model.

    Some of its parameters may be frozen (`requires_grad` is False): they are part of weights, checkpoints and
    fingerprints like all others, but have no gradient, no norm and no optimizer state, and never change.
    """

    def trainable(self) -> dict[str, nn.Parameter]:
        """Return the parameters that are trained, by Hugging Face name."""
        return {name: parameter for name, parameter in self.named_parameters() if parameter.requires_grad}

    def frozen(self) -> dict[str, nn.Parameter]:
        """Return the parameters that stay as they are, by Hugging Face name."""
        return {name: parameter for name, parameter in self.named_parameters() if not parameter.requires_grad}


class ClientStage(Stage):
    """Bottom and top of the model, which share tied embeddings."""

    @abstractmethod
    def bottom(self, input_ids_BT: torch.Tensor, attention_mask_BT: torch.Tensor) -> torch.Tensor:
        """Embed the tokens and run the first blocks; return the smashed data, BTH."""

    @abstractmethod
    def top(self, features_BTH: torch.Tensor, attention_mask_BT: torch.Tensor) -> torch.Tensor:
        """Run the last blocks, the final norm and the head; return the logits, BTV."""

    @abstractmethod
    def bottom_parameters(self) -> Mapping[str, nn.Parameter]:
        """Return the parameters that the bottom uses, by Hugging Face name."""

    @abstractmethod
    def top_parameters(self) -> Mapping[str, nn.Parameter]:
        """Return the parameters that the top uses, by Hugging Face name; tied weights are in both."""


class TrunkStage(Stage):
    """The middle blocks."""

    @abstractmethod
    def forward(self, smashed_BTH: torch.Tensor, attention_mask_BT: torch.Tensor) -> torch.Tensor:
        """Run the middle blocks; return the features, BTH."""


@dataclass(frozen=True)
class ModelIdentity:
    """What client and trunk must agree on before a tensor is sent.

    Attributes:
        family: name of the model family.
        settings: everything of the model's configuration that changes its arithmetic, as text; where parameters are
            frozen, their names.
        parameter_order: names of all trainable parameters, in the uncut model's order.
        trunk_fingerprint: digest of the trunk's initial weights.
        positions: longest sequence that the model takes, in tokens.
        vocab_size: rows of the embedding.
        hidden_size: width of the smashed data.
    """

    family: str
    settings: Mapping[str, str]
    parameter_order: tuple[str, ...]
    trunk_fingerprint: str
    positions: int
    vocab_size: int
    hidden_size: int


class ModelFamily(Protocol):
    """How models are loaded, cut, and joined again."""

    def load_client(self, config: TrainingConfig) -> tuple[ClientStage, ModelIdentity]:
        """Load bottom and top; raises `ModelError`."""

    def load_trunk(self, config: TrainingConfig) -> tuple[TrunkStage, ModelIdentity]:
        """Load the middle; raises `ModelError`."""

    def split(self, config: TrainingConfig, folder: Path) -> None:
        """Write client and trunk parts of `config.model` as safetensors; raises `ModelError`."""

    def export(self, config: TrainingConfig, weights: Mapping[str, torch.Tensor], folder: Path) -> None:
        """Write all parts' weights as one checkpoint that Hugging Face loads; raises `ModelError`."""


def fingerprint(tensors: Mapping[str, torch.Tensor]) -> str:
    """Return the SHA-256 of names, dtypes, shapes and bytes of tensors, in hexadecimal."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        digest.update(tensor.view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
