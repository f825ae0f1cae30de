"""A stub model whose weights are a running hash of all updates applied to it.

It computes modulo a prime, exactly. Doing anything twice, leaving it out, or reordering it changes the weights and
thereby every later loss, gradient and weight. The production client and trunk code trains it.

Shapes: B sequences, T positions, H hidden width.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
from torch import nn

from harness.sim.parts import Parts
from splitlearn.config import TrainingConfig
from splitlearn.data import Tokenizer, TrainingData
from splitlearn.models.family import ClientStage, ModelIdentity, TrunkStage, fingerprint

__all__ = ["stub_parts"]

# A prime with p * p < 2**24, so that float32 represents all products exactly.
PRIME = 4093.0
WIDTH = 2


class Mix(torch.autograd.Function):
    """Mixes an input with a weight, forward and backward, so that different histories give different values."""

    @staticmethod
    def forward(ctx: Any, input_BTH: torch.Tensor, weight_H: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 - torch's own
        """Return (input * weight + weight) modulo the prime, of shape (B, T, H)."""
        ctx.save_for_backward(input_BTH, weight_H)
        return torch.remainder(torch.addcmul(weight_H, input_BTH, torch.remainder(weight_H, PRIME)), PRIME)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:  # noqa: ANN401 - torch's own
        """Return pseudo-gradients, (B, T, H) and (H,), that depend on input, weight and incoming gradient."""
        input_BTH, weight_H = ctx.saved_tensors
        whole = torch.remainder(torch.addcmul(input_BTH, grads[0], torch.remainder(weight_H, PRIME)), PRIME)
        return whole, torch.remainder((whole + input_BTH).sum((0, 1)), PRIME)


class StubTrunk(TrunkStage):
    """A trunk with one weight of shape (H,)."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([3.0, 5.0]))

    def forward(self, smashed_BTH: torch.Tensor, attention_mask_BT: torch.Tensor) -> torch.Tensor:
        """Mix the smashed data with the weight; returns (B, T, H)."""
        return Mix.apply(smashed_BTH, self.weight)  # type: ignore[no-any-return] # torch's own


class StubClient(ClientStage):
    """A client with one weight of shape (H,) below the trunk and one above it."""

    def __init__(self) -> None:
        super().__init__()
        self.below = nn.Parameter(torch.tensor([7.0, 11.0]))
        self.above = nn.Parameter(torch.tensor([13.0, 17.0]))

    def bottom(self, input_ids_BT: torch.Tensor, attention_mask_BT: torch.Tensor) -> torch.Tensor:
        """Mix the token ids with the lower weight; returns (B, T, H)."""
        tokens_BTH = input_ids_BT.unsqueeze(-1).float().expand(-1, -1, WIDTH)
        return Mix.apply(tokens_BTH, self.below)  # type: ignore[no-any-return] # torch's own

    def top(self, features_BTH: torch.Tensor, attention_mask_BT: torch.Tensor) -> torch.Tensor:
        """Mix the features with the upper weight; returns logits of shape (B, T, H)."""
        return Mix.apply(features_BTH, self.above)  # type: ignore[no-any-return] # torch's own

    def bottom_parameters(self) -> Mapping[str, nn.Parameter]:
        """Return the lower weight by name."""
        return {"below": self.below}

    def top_parameters(self) -> Mapping[str, nn.Parameter]:
        """Return the upper weight by name."""
        return {"above": self.above}


class StubTokenizer(Tokenizer):
    """A placeholder with a vocabulary of two tokens; it tokenizes nothing."""

    def __init__(self) -> None:
        super().__init__(None, WIDTH, 0)  # type: ignore[arg-type] # nothing is tokenized

    def fingerprint(self) -> str:
        """Return a constant."""
        return "stub"

    def recipe(self) -> str:
        """Return a constant."""
        return "stub"

    def files(self) -> dict[str, bytes]:
        """Return an empty vocabulary."""
        return {"tokenizer.json": b"{}"}


def stub_parts(config: TrainingConfig) -> Parts:
    """Return the stub model and seeded data for a configuration, whose own model and data files are ignored; cached."""
    return _made(config.model_dump_json())


@cache
def _made(text: str) -> Parts:
    config = TrainingConfig.model_validate_json(text)
    client, trunk = StubClient(), StubTrunk()
    own = fingerprint(dict(trunk.named_parameters()))
    identity = ModelIdentity("stub", {}, ("below", "weight", "above"), own, config.max_length, WIDTH, WIDTH)
    count = max(1, config.max_steps) * config.batch_size * config.gradient_accumulation_steps
    generator = torch.Generator().manual_seed(config.seed)
    rows = torch.randint(0, WIDTH, (count, 3), generator=generator)
    data = TrainingData(config, StubTokenizer(), tuple(rows), 0)
    return Parts(client, trunk, identity, data)
