"""What must be known of a model family to cut its models: where their parts are, and how these are called.

Shapes: B sequences, T positions, H hidden width, V vocabulary.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import nn
from transformers import PreTrainedConfig

from splitlearn.cuts import Cuts
from splitlearn.models.parts import Part

__all__ = ["Layout"]


class Layout(ABC):
    """Where a family's causal language models keep what. Modules are named by their paths in the uncut model.

    Attributes:
        name: the `model_type` of the family's configurations.
        settings: names in the configuration that change the arithmetic; compared one by one at the handshake.
        dropouts: names of the dropout rates in the configuration, which `dropout` overrides.
        bottom: modules that the bottom has before its first block.
        blocks: the list of blocks.
        top: modules that the top has after its last block.
        everywhere: modules without parameters that every part needs, such as rotary embeddings.
        tied: the head, and the embedding whose weight it shares where the configuration ties them.
    """

    name: ClassVar[str]
    settings: ClassVar[tuple[str, ...]]
    dropouts: ClassVar[tuple[str, ...]]
    bottom: ClassVar[tuple[str, ...]]
    blocks: ClassVar[str]
    top: ClassVar[tuple[str, ...]]
    everywhere: ClassVar[tuple[str, ...]] = ()
    tied: ClassVar[tuple[str, str]]

    @abstractmethod
    def embed(self, part: Any, input_ids_BT: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 - the library's tree of modules
        """Embed the tokens as the uncut model does. Return BTH.

        Args:
            part: has the modules of `bottom` and `everywhere` under their own names, and the model's `config`.
            input_ids_BT: the tokens.
        """

    @abstractmethod
    def run_blocks(
        self,
        part: Any,  # noqa: ANN401 - the library's tree of modules
        blocks: Iterable[nn.Module],
        hidden_BTH: torch.Tensor,
        attention_mask_BT: torch.Tensor,
    ) -> torch.Tensor:
        """Run consecutive blocks as the uncut model does. Return BTH.

        Args:
            part: has the modules of `everywhere` under their own names, and the model's `config`.
            blocks: in order.
            hidden_BTH: input of the first.
            attention_mask_BT: 1 for real tokens, 0 for padding.
        """

    @abstractmethod
    def logits(self, part: Any, hidden_BTH: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 - the library's tree of modules
        """Run what follows the last block. Return BTV.

        Args:
            part: has the modules of `top` under their own names, and the model's `config`.
            hidden_BTH: output of the last block.
        """

    def refusal(self, config: PreTrainedConfig) -> str:
        """Return why a model of the family cannot be cut; empty if it can."""
        return ""

    def part_of(self, parameter: str, cuts: Cuts) -> Part:
        """Return which part a parameter of the uncut model belongs to."""
        if parameter.startswith(f"{self.blocks}."):
            block = int(parameter.removeprefix(f"{self.blocks}.").partition(".")[0])
            return "bottom" if block < cuts.lower else "trunk" if block < cuts.upper else "top"
        return "bottom" if parameter.startswith(tuple(f"{module}." for module in self.bottom)) else "top"
