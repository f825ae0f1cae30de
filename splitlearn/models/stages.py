"""The client's and the trunk's part of a model of any family.

The stages keep Hugging Face's own modules and parameter names, so that a part's weights are a subset of the whole
model's. Shapes: B sequences, T positions, H hidden width, V vocabulary.
"""

from collections.abc import Iterable, Mapping

import torch
from torch import nn
from transformers import PreTrainedModel

from splitlearn.cuts import Cuts
from splitlearn.models.family import ClientStage, TrunkStage
from splitlearn.models.layout import Layout

__all__ = ["CutClientStage", "CutTrunkStage"]


class CutClientStage(ClientStage):
    """Embeddings and first blocks; last blocks, final norm and head."""

    def __init__(self, layout: Layout, model: PreTrainedModel, cuts: Cuts) -> None:
        super().__init__()
        self.config = model.config
        self._layout, self._cuts = layout, cuts
        self._lower = range(cuts.lower)
        self._upper = range(cuts.upper, model.config.num_hidden_layers)
        _graft(self, model, (*layout.everywhere, *layout.bottom))
        _graft_blocks(self, model, layout.blocks, (*self._lower, *self._upper))
        _graft(self, model, layout.top)
        self.tie()

    def tie(self) -> None:
        """Make the head share the token embedding if the model's configuration says so."""
        if self.config.tie_word_embeddings:
            head, embedding = map(self.get_submodule, self._layout.tied)
            head.weight = embedding.weight

    def bottom(self, input_ids_BT: torch.Tensor, attention_mask_BT: torch.Tensor) -> torch.Tensor:
        """Embed the tokens and run the first blocks; return the smashed data, BTH."""
        hidden_BTH = self._layout.embed(self, input_ids_BT)
        return self._layout.run_blocks(self, self._blocks(self._lower), hidden_BTH, attention_mask_BT)

    def top(self, features_BTH: torch.Tensor, attention_mask_BT: torch.Tensor) -> torch.Tensor:
        """Run the last blocks, the final norm and the head; return the logits, BTV."""
        hidden_BTH = self._layout.run_blocks(self, self._blocks(self._upper), features_BTH, attention_mask_BT)
        return self._layout.logits(self, hidden_BTH)

    def bottom_parameters(self) -> Mapping[str, nn.Parameter]:
        """Return the parameters that the bottom uses, by Hugging Face name."""
        return {name: p for name, p in self.named_parameters() if self._layout.part_of(name, self._cuts) == "bottom"}

    def top_parameters(self) -> Mapping[str, nn.Parameter]:
        """Return the parameters that the top uses, by Hugging Face name; tied weights are in both."""
        shared = f"{self._layout.tied[1]}.weight" if self.config.tie_word_embeddings else ""
        return {
            name: p
            for name, p in self.named_parameters()
            if name == shared or self._layout.part_of(name, self._cuts) == "top"
        }

    def _blocks(self, numbers: Iterable[int]) -> list[nn.Module]:
        return [self.get_submodule(f"{self._layout.blocks}.{number}") for number in numbers]


class CutTrunkStage(TrunkStage):
    """The middle blocks; each keeps its layer index, which scales its attention in some configurations."""

    def __init__(self, layout: Layout, model: PreTrainedModel, cuts: Cuts) -> None:
        super().__init__()
        self.config = model.config
        self._layout = layout
        _graft(self, model, layout.everywhere)
        _graft_blocks(self, model, layout.blocks, range(cuts.lower, cuts.upper))

    def forward(self, smashed_BTH: torch.Tensor, attention_mask_BT: torch.Tensor) -> torch.Tensor:
        """Run the middle blocks; return the features, BTH."""
        blocks = self.get_submodule(self._layout.blocks).children()
        return self._layout.run_blocks(self, blocks, smashed_BTH, attention_mask_BT)


def _graft(stage: nn.Module, model: nn.Module, paths: Iterable[str]) -> None:
    """Give a stage some of a model's modules, under their own names."""
    for path in paths:
        _put(stage, path, model.get_submodule(path))


def _graft_blocks(stage: nn.Module, model: nn.Module, path: str, numbers: Iterable[int]) -> None:
    blocks = model.get_submodule(path)
    _put(stage, path, nn.ModuleDict({str(number): blocks.get_submodule(str(number)) for number in numbers}))


def _put(stage: nn.Module, path: str, module: nn.Module) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        if not hasattr(stage, parent):
            stage.add_module(parent, nn.Module())
        stage = getattr(stage, parent)
    stage.add_module(name, module)
