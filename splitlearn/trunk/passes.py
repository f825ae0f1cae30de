"""Counts the forward passes of a stage."""

import torch
from torch._subclasses.fake_tensor import FakeTensor

from splitlearn.models.family import TrunkStage

__all__ = ["PassCounter"]


class PassCounter:
    """Counts a stage's forward passes in training mode, recomputed ones included, fake tensors' excluded.

    Attributes:
        count: passes since it was last set to zero.
    """

    def __init__(self, stage: TrunkStage) -> None:
        self.count = 0
        stage.register_forward_pre_hook(self._add)

    def _add(self, stage: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        self.count += stage.training and not isinstance(inputs[0], FakeTensor)
