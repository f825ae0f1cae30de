"""Bugs that were added after the rules of the diagnosis were written, to test the rules on bugs unknown to them.

The causes are those that a person would name; no rule was changed after these mutants were run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import nn

from harness.judging.diagnosis.cause import Cause
from harness.mutants.instead import Right, instead
from harness.mutants.mutant import mutant
from harness.mutants.scenarios import DIRECT, EPOCHS, SMOOTHED, THREE_MICROBATCHES, TRUNK_KILLED
from splitlearn import loss
from splitlearn.client import step
from splitlearn.client.gradients import ClientGradients
from splitlearn.client.step import TrainingStep
from splitlearn.config import TrainingConfig
from splitlearn.data import Microbatch
from splitlearn.layouts import gpt2
from splitlearn.models.stages import CutTrunkStage
from splitlearn.optimizer import LearningRate
from splitlearn.trunk import session
from splitlearn.trunk.accumulator import Accumulator
from splitlearn.trunk.session import TrunkSession
from splitlearn.wire.remote import RemoteTrunk
from splitlearn.wire.trunk_link import Position

__all__: list[str] = []


@mutant("classic: detach()", "client", DIRECT, Cause.LOST)
def lose_the_bottoms_gradients() -> None:
    """The gradient that comes back does not reach the bottom."""

    @instead(ClientGradients, "add_bottom")
    def add_bottom(
        right: Right, self: ClientGradients, microbatch: int, smashed: torch.Tensor, grad: torch.Tensor
    ) -> None:
        right(self, microbatch, smashed, torch.zeros_like(grad))


@mutant("classic: a hook that is registered twice", "client", DIRECT, Cause.DOUBLED)
def add_the_clients_gradients_twice() -> None:
    """The client adds each microbatch's gradients twice."""

    @instead(ClientGradients, "_accumulate")
    def accumulate(right: Right, self: ClientGradients, gradients: Mapping[str, torch.Tensor]) -> None:
        right(self, {name: gradient.clone() for name, gradient in gradients.items()})
        right(self, gradients)


@mutant("classic: one of three microbatches twice, another never", "trunk", THREE_MICROBATCHES, Cause.ACCUMULATION)
def add_the_second_microbatch_twice() -> None:
    """The second microbatch's gradients are added in the place of the third's, too."""

    @instead(Accumulator, "_join")
    def join(right: Right, self: Accumulator, gradients: Sequence[torch.Tensor]) -> None:
        kept: list[Sequence[torch.Tensor]] = vars(self).setdefault("kept", [])
        kept.append([gradient.clone() for gradient in gradients])
        right(self, kept[1] if len(kept) == 3 else gradients)

    @instead(Accumulator, "clear")
    def clear(right: Right, self: Accumulator) -> None:
        vars(self).pop("kept", None)
        right(self)


@mutant("classic: gradients in half precision", "client", DIRECT, Cause.ROUNDED)
def send_gradients_in_half_precision() -> None:
    """The gradient of the features is sent rounded to float16."""

    @instead(RemoteTrunk, "backward")
    def backward(right: Right, self: RemoteTrunk, at: Position, gradient: torch.Tensor) -> object:
        return right(self, at, gradient.half().float())


@mutant("classic: evaluation mode of one part", "client", DIRECT, Cause.RANDOMNESS)
def leave_the_top_in_evaluation_mode() -> None:
    """The top has no dropout, the bottom has."""

    @instead(TrainingStep, "_run_top")
    def run_top(right: Right, self: TrainingStep, *arguments: object) -> torch.Tensor:
        self.stage.eval()
        result: torch.Tensor = right(self, *arguments)
        self.stage.train()
        return result


@mutant("classic: another default of the dropout rate", "trunk", DIRECT, Cause.RANDOMNESS)
def drop_more_at_the_trunk() -> None:
    """The trunk drops a fifth instead of a tenth."""

    @instead(CutTrunkStage, "__init__")
    def build(right: Right, self: CutTrunkStage, *arguments: object) -> None:
        right(self, *arguments)
        for module in self.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.2


@mutant("classic: two kinds of GELU", "trunk", DIRECT, Cause.ARITHMETIC)
def activate_otherwise() -> None:
    """The trunk uses the exact GELU instead of its approximation."""

    @instead(CutTrunkStage, "__init__")
    def build(right: Right, self: CutTrunkStage, *arguments: object) -> None:
        right(self, *arguments)
        for block in self.get_submodule("transformer.h").children():
            block.get_submodule("mlp").register_module("act", nn.GELU())


@mutant("classic: a sliding window that nobody asked for", "both", DIRECT, Cause.ATTENTION)
def attend_within_a_window() -> None:
    """Tokens attend to the four before them only."""

    @instead(gpt2, "create_causal_mask")
    def mask(_right: Right, *, inputs_embeds: torch.Tensor, attention_mask: torch.Tensor, **_: object) -> torch.Tensor:
        batch, length, _width = inputs_embeds.shape
        near = torch.ones(length, length, dtype=torch.bool).tril().triu(-4)
        seen = near & (attention_mask.bool()[:, None, None, :] | torch.eye(length, dtype=torch.bool))
        return seen.expand(batch, 1, length, length)


@mutant("classic: masks that are shuffled apart from their rows", "client", DIRECT, Cause.ATTENTION)
def give_every_row_the_mask_of_another() -> None:
    """The attention mask of each sequence is its neighbor's."""

    @instead(TrainingStep, "_send_forward")
    def send(right: Right, self: TrainingStep, at: Position, batch: Microbatch) -> object:
        return right(self, at, replace(batch, attention_mask_BT=batch.attention_mask_BT.roll(1, dims=0)))


@mutant("classic: an option in another unit", "client", SMOOTHED, Cause.LABELS)
def smooth_the_labels_twice_as_much() -> None:
    """Labels are smoothed by a fifth instead of a tenth."""

    @instead(step, "token_loss_sum")
    def smoothed(right: Right, logits: torch.Tensor, labels: torch.Tensor, config: TrainingConfig) -> object:
        return right(logits, labels, config.but(label_smoothing=2 * config.label_smoothing))


@mutant("classic: a constant with another exponent", "client", SMOOTHED, Cause.LABELS)
def weigh_the_z_loss_otherwise() -> None:
    """The z-loss has ten times its weight."""
    vars(loss)["Z_LOSS_WEIGHT"] *= 10


@mutant("classic: the tied weight's gradient is counted in both parts", "client", DIRECT, Cause.NORM)
def count_the_tied_weight_twice_in_the_norm() -> None:
    """The global norm contains the tied weight's gradient twice."""

    @instead(step, "global_norm")
    def combine(right: Right, norms: Mapping[str, float], order: Sequence[str], device: str) -> float:
        return float(right(norms, [order[0], *order], device))


@mutant("classic: clipping before and after a hook", "client", DIRECT, Cause.CLIPPING)
def clip_the_clients_gradients_twice() -> None:
    """The client scales its gradients by the clip coefficient twice."""

    @instead(step, "apply_update")
    def update(right: Right, optimizer: torch.optim.Optimizer, rate: float, coefficient: float | None) -> None:
        right(optimizer, rate, None if coefficient is None else coefficient**2)


@mutant("classic: a rate per group", "trunk", DIRECT, Cause.RATE)
def halve_the_trunks_rate() -> None:
    """The trunk updates with half of the learning rate."""

    @instead(session, "apply_update")
    def update(right: Right, optimizer: torch.optim.Optimizer, rate: float, coefficient: float | None) -> None:
        right(optimizer, rate / 2, coefficient)


@mutant("classic: a schedule per epoch", "client", EPOCHS, Cause.RATE, since=4)
def begin_the_schedule_anew_with_every_epoch() -> None:
    """The schedule begins anew with the second epoch."""

    @instead(LearningRate, "at")
    def at(right: Right, self: LearningRate, number: int) -> float:
        return float(right(self, number % 4))


@mutant("classic: epsilon inside and outside the root", "client", DIRECT, Cause.OPTIMIZER)
def use_another_epsilon() -> None:
    """The client's Adam adds 1e-3 instead of 1e-8."""

    @instead(step, "build_optimizer")
    def build(right: Right, parameters: Mapping[str, nn.Parameter], config: TrainingConfig) -> torch.optim.Optimizer:
        optimizer: torch.optim.Optimizer = right(parameters, config)
        for group in optimizer.param_groups:
            group["eps"] = 1e-3
        return optimizer


@mutant("classic: requires_grad is False for a table", "client", DIRECT, Cause.NOT_APPLIED)
def leave_the_positions_untrained() -> None:
    """The client's optimizer does not have the embedding of positions."""

    @instead(step, "apply_update")
    def update(right: Right, optimizer: torch.optim.Optimizer, rate: float, coefficient: float | None) -> None:
        table = optimizer.param_groups[0]["params"][1]
        before = table.detach().clone()
        right(optimizer, rate, coefficient)
        table.data.copy_(before)


@mutant("classic: the generator's state is not saved", "trunk", TRUNK_KILLED, Cause.RESTORED, since=2)
def resume_with_other_random_numbers() -> None:
    """A trunk that resumes draws the dropout masks of the first steps."""
    first: list[int] = []

    @instead(TrunkSession, "restore")
    def restore(right: Right, self: TrunkSession, half: object) -> None:
        right(self, half)
        first.append(self.applied_step)

    @instead(session, "stage_scope")
    def scope(right: Right, config: TrainingConfig, number: int, microbatch: int, stage: str) -> object:
        return right(config, number - (first[0] if first else 0), microbatch, stage)
