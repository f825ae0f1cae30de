"""Makes the uncut model draw random numbers and round at the cuts as the split one must.

Shapes: B sequences, T positions, H hidden width.
"""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import torch
from torch import nn
from transformers import PreTrainedModel

from harness.oracle.codecs import Crossings
from harness.oracle.layouts import layout_of
from splitlearn.config import TrainingConfig

__all__ = ["CutHooks", "Stage", "stage_seed"]

Stage = Literal["bottom", "trunk", "top"]
Record = Callable[[int, int, str, torch.Tensor], None]
Crosses = Callable[[torch.Tensor], torch.Tensor]


def stage_seed(seed: int, step: int, microbatch: int, stage: Stage) -> int:
    """Return the generator's seed at the start of a stage, by the rule in docs/architecture.md."""
    name = "/".join(("splitlearn", "dropout", str(seed), str(step), str(microbatch), stage))
    return int.from_bytes(hashlib.sha256(name.encode("ascii")).digest()[:8], "little") // 2


class CutHooks:
    """Forward hooks where the model would be cut: seed the generator, apply a lossy codec, record what crosses.

    Args:
        model: the uncut model.
        config: cuts, seed and codec.
        record: called with step, microbatch, name and tensor of everything that would cross a cut.
    """

    def __init__(self, model: PreTrainedModel, config: TrainingConfig, record: Record) -> None:
        self._config = config
        self._crossings = Crossings(config.codec)
        self._record = record
        self._step = self._microbatch = 0
        layout = layout_of(model.config.model_type)
        blocks, norm = model.get_submodule(layout.blocks), model.get_submodule(layout.norm)
        assert isinstance(blocks, nn.ModuleList)
        cuts = config.cuts
        behind = blocks[cuts.upper] if cuts.upper < len(blocks) else norm
        model.register_forward_pre_hook(lambda *_: self._seed("bottom"))
        blocks[cuts.lower].register_forward_pre_hook(self._cross("trunk", "smashed", "smashed_grad"))
        behind.register_forward_pre_hook(self._cross("top", "features", "features_grad"))

    def at(self, step: int, microbatch: int) -> None:
        """Set which microbatch comes next."""
        self._step, self._microbatch = step, microbatch

    def end_step(self, *, skipped: bool) -> None:
        """End a step."""
        self._crossings.end_step(skipped=skipped)

    def _seed(self, stage: Stage) -> None:
        torch.manual_seed(stage_seed(self._config.seed, self._step, self._microbatch, stage))

    def _cross(self, stage: Stage, name: str, grad_name: str) -> Callable[[Any, tuple[Any, ...]], tuple[Any, ...]]:
        """Build the hook of one cut.

        Tensors are recorded as the client's side of the wire sees them: smashed data and the gradient of the features
        as sent, features and the gradient of the smashed data as received.
        """
        sent_by_client = name == "smashed"

        def hook(_module: object, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
            before_BTH, *others = inputs
            if not before_BTH.requires_grad:  # all before it is frozen, but its gradient crosses the cut all the same
                before_BTH = before_BTH.detach().requires_grad_()
            at = (self._step, self._microbatch)
            forward, backward = (
                partial(self._crossings.arriving, name=crossing, microbatch=self._microbatch)
                for crossing in (name, grad_name)
            )
            after_BTH = Crossing.apply(before_BTH, forward, backward)
            self._record(*at, name, before_BTH if sent_by_client else after_BTH)
            grad_at_client = before_BTH if sent_by_client else after_BTH
            if grad_at_client.requires_grad:
                grad_at_client.register_hook(lambda grad: self._record(*at, grad_name, grad))
            self._seed(stage)
            return (after_BTH, *others)

        return hook


class Crossing(torch.autograd.Function):
    """Encodes and decodes a tensor in the forward pass, and its gradient in the backward pass."""

    @staticmethod
    def forward(ctx: Any, tensor: torch.Tensor, forward: Crosses, backward: Crosses) -> torch.Tensor:  # noqa: ANN401 - torch's context
        """Encode and decode the tensor."""
        ctx.crosses = backward
        return forward(tensor)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:  # noqa: ANN401 - torch's context
        """Encode and decode the gradient."""
        return ctx.crosses(gradients[0]), None, None
