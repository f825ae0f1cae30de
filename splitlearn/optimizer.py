"""The optimizer and the learning rate, with the same rules on both sides.

Optimizer tensors are identified by parameter name, so that the two halves of a run and an uncut model can be compared
one by one.
"""

from collections.abc import Mapping

import torch
from torch import nn
from transformers import get_scheduler

from splitlearn.config import TrainingConfig

__all__ = ["LearningRate", "apply_update", "build_optimizer", "load_optimizer_state", "optimizer_state"]

SCHEDULES = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}
SGD_MOMENTUM = 0.9


def build_optimizer(parameters: Mapping[str, nn.Parameter], config: TrainingConfig) -> torch.optim.Optimizer:
    """Build one part's optimizer; matrices and embeddings decay, biases and norms do not."""
    assert all(parameter.requires_grad for parameter in parameters.values()), "a frozen parameter is not optimized"
    matrices = [p for p in parameters.values() if p.ndim >= 2]
    vectors = [p for p in parameters.values() if p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    if config.optimizer_type == "sgd":
        return torch.optim.SGD(groups, lr=config.learning_rate, momentum=SGD_MOMENTUM)
    kind = torch.optim.AdamW if config.optimizer_type == "adamw" else torch.optim.Adam
    return kind(groups, lr=config.learning_rate)


def apply_update(optimizer: torch.optim.Optimizer, learning_rate: float, clip_coefficient: float | None) -> None:
    """Scale the gradients, apply the optimizer once, and clear the gradients.

    Args:
        optimizer: one part's.
        learning_rate: for this update.
        clip_coefficient: float32 factor for every gradient; None leaves them unscaled.
    """
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
        for parameter in group["params"]:
            if clip_coefficient is not None:
                parameter.grad.mul_(clip_coefficient)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


class LearningRate:
    """The library's schedules as functions of the step, so that a resumed run needs no history."""

    def __init__(self, config: TrainingConfig, total_steps: int) -> None:
        self._peak = config.learning_rate
        name = SCHEDULES[config.scheduler_type] if config.use_scheduler else "constant"
        unused = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=config.learning_rate)
        scheduler = get_scheduler(name, unused, config.warmup_steps, total_steps)
        self._factor = scheduler.lr_lambdas[0]

    def at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        return float(self._peak * self._factor(step))


def optimizer_state(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter]
) -> dict[str, torch.Tensor]:
    """Return the optimizer's tensors as `NAME/KEY`; empty before the first update."""
    return {
        f"{name}/{key}": value
        for name, parameter in parameters.items()
        for key, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, torch.Tensor)
    }


def load_optimizer_state(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter], tensors: Mapping[str, torch.Tensor]
) -> None:
    """Restore what `optimizer_state` returned."""
    optimizer.state.clear()
    for path, tensor in tensors.items():
        name, _, key = path.rpartition("/")
        # Adam counts its steps on the CPU wherever the parameter is.
        place = "cpu" if key == "step" else parameters[name].device
        optimizer.state[parameters[name]][key] = tensor.to(place, copy=True)
