"""Wrong losses, and losses with the wrong scale."""

import torch

from harness.judging.diagnosis.cause import Cause
from harness.mutants.instead import Right, instead
from harness.mutants.mutant import mutant
from harness.mutants.scenarios import DIRECT, SMOOTHED
from splitlearn.client import step
from splitlearn.client.gradients import ClientGradients
from splitlearn.client.step import TrainingStep
from splitlearn.config import TrainingConfig
from splitlearn.data import Microbatch
from splitlearn.wire.trunk_link import Position

__all__: list[str] = []


@mutant("transformers issue 34198: the mean of uneven microbatches' means", "client", DIRECT, Cause.LOSS_SCALE)
def average_the_loss_over_each_microbatch() -> None:
    """Every microbatch counts the same, however many tokens it has."""

    @instead(TrainingStep, "_run_top")
    def run_top(
        right: Right,
        self: TrainingStep,
        at: Position,
        batch: Microbatch,
        features: torch.Tensor,
        _tokens: int,
        losses: object,
    ) -> torch.Tensor:
        result: torch.Tensor = right(self, at, batch, features, batch.target_tokens * at.microbatches, losses)
        return result


@mutant("classic: the mean over all positions", "client", DIRECT, Cause.LOSS_SCALE)
def divide_the_loss_by_padding_too() -> None:
    """The loss is divided by the number of positions, padding included."""

    @instead(TrainingStep, "_run_top")
    def run_top(
        right: Right,
        self: TrainingStep,
        at: Position,
        batch: Microbatch,
        features: torch.Tensor,
        _tokens: int,
        losses: object,
    ) -> torch.Tensor:
        result: torch.Tensor = right(self, at, batch, features, batch.input_ids_BT.numel() * at.microbatches, losses)
        return result


@mutant("classic: the loss is divided by the microbatches, and so is the gradient", "client", DIRECT, Cause.SCALED)
def divide_by_the_microbatches_twice() -> None:
    """The gradient is divided by the number of microbatches once too often."""

    @instead(ClientGradients, "add_top")
    def add_top(
        right: Right, self: ClientGradients, microbatch: int, loss: torch.Tensor, features: torch.Tensor
    ) -> object:
        return right(self, microbatch, loss / 2, features)


@mutant("classic: the scaler of mixed precision is not undone", "client", DIRECT, Cause.SCALED)
def forget_to_unscale_the_loss() -> None:
    """The gradient is that of a loss scaled by 1024."""

    @instead(ClientGradients, "add_top")
    def add_top(
        right: Right, self: ClientGradients, microbatch: int, loss: torch.Tensor, features: torch.Tensor
    ) -> object:
        return right(self, microbatch, 1024 * loss, features)


@mutant("classic: an option that is read and not used", "client", SMOOTHED, Cause.LABELS)
def forget_the_label_smoothing() -> None:
    """The labels are not smoothed."""

    @instead(step, "token_loss_sum")
    def loss(right: Right, logits_BTV: torch.Tensor, labels_BT: torch.Tensor, config: TrainingConfig) -> object:
        return right(logits_BTV, labels_BT, config.but(label_smoothing=0.0))


@mutant("classic: an option that is read and not used", "client", SMOOTHED, Cause.LABELS)
def forget_the_z_loss() -> None:
    """The z-loss is not added."""

    @instead(step, "token_loss_sum")
    def loss(right: Right, logits_BTV: torch.Tensor, labels_BT: torch.Tensor, config: TrainingConfig) -> object:
        return right(logits_BTV, labels_BT, config.but(loss_type="cross_entropy"))
