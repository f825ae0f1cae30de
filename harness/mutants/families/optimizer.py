"""Wrong weight updates: weight decay, moments or steps that differ from the reference's."""

import itertools
from collections.abc import Mapping

import torch
from torch import nn

from harness.judging.diagnosis.cause import Cause
from harness.mutants.instead import Right, instead
from harness.mutants.mutant import mutant
from harness.mutants.scenarios import DIRECT, SGD
from splitlearn.client import step
from splitlearn.config import TrainingConfig
from splitlearn.trunk import session
from splitlearn.trunk.session import TrunkSession
from splitlearn.wire.trunk_link import BackwardResult, Commit, Position

__all__: list[str] = []


@mutant("classic: two optimizers for a weight that two parts share", "client", DIRECT, Cause.TIED)
def step_the_tied_weight_twice() -> None:
    """The tied embedding is also updated by the head's optimizer."""

    @instead(step, "apply_update")
    def update(right: Right, optimizer: torch.optim.Optimizer, rate: float, coefficient: float | None) -> None:
        embedding = optimizer.param_groups[0]["params"][0]
        gradient = embedding.grad.clone()
        right(optimizer, rate, coefficient)
        embedding.data.add_(gradient, alpha=-rate)


@mutant("classic: the server's optimizer is built without the option", "trunk", DIRECT, Cause.DECAY)
def forget_weight_decay_at_the_trunk() -> None:
    """The trunk's weights do not decay."""

    @instead(session, "build_optimizer")
    def build(right: Right, parameters: Mapping[str, nn.Parameter], config: TrainingConfig) -> object:
        return right(parameters, config.but(weight_decay=0.0))


@mutant("classic: one group of parameters", "trunk", DIRECT, Cause.DECAY)
def let_norms_and_biases_decay() -> None:
    """The trunk's norms and biases decay, too."""

    @instead(session, "build_optimizer")
    def build(right: Right, parameters: Mapping[str, nn.Parameter], config: TrainingConfig) -> torch.optim.Optimizer:
        optimizer: torch.optim.Optimizer = right(parameters, config)
        for group in optimizer.param_groups:
            group["weight_decay"] = config.weight_decay
        return optimizer


@mutant("classic: Adam where AdamW was asked for", "trunk", DIRECT, Cause.DECAY)
def let_the_gradient_carry_the_weight_decay() -> None:
    """The trunk adds weight decay to the gradient."""

    @instead(session, "build_optimizer")
    def build(right: Right, parameters: Mapping[str, nn.Parameter], config: TrainingConfig) -> object:
        return right(parameters, config.but(optimizer_type="adam"))


@mutant("classic: defaults of another library", "trunk", DIRECT, Cause.OPTIMIZER, since=1)
def use_other_betas() -> None:
    """The trunk's second moment forgets faster."""

    @instead(session, "build_optimizer")
    def build(right: Right, parameters: Mapping[str, nn.Parameter], config: TrainingConfig) -> torch.optim.Optimizer:
        optimizer: torch.optim.Optimizer = right(parameters, config)
        for group in optimizer.param_groups:
            group["betas"] = (0.9, 0.95)
        return optimizer


@mutant("classic: an optimizer that is made anew in every step", "trunk", DIRECT, Cause.OPTIMIZER, since=1)
def forget_the_moments_after_every_step() -> None:
    """The trunk's optimizer begins anew with every step."""

    @instead(session, "apply_update")
    def update(right: Right, optimizer: torch.optim.Optimizer, *numbers: object) -> None:
        optimizer.state.clear()
        right(optimizer, *numbers)


@mutant("classic: momentum on one side only", "trunk", SGD, Cause.OPTIMIZER, since=1)
def forget_the_momentum() -> None:
    """The trunk's SGD has no momentum."""

    @instead(session, "build_optimizer")
    def build(right: Right, parameters: Mapping[str, nn.Parameter], config: TrainingConfig) -> torch.optim.Optimizer:
        optimizer: torch.optim.Optimizer = right(parameters, config)
        for group in optimizer.param_groups:
            group["momentum"] = 0.0
        return optimizer


@mutant("hivemind issue 450: the optimizer is fed with zeros", "trunk", DIRECT, Cause.NOT_APPLIED)
def feed_the_optimizer_with_zeros() -> None:
    """The trunk's gradients are zeroed before the update."""

    @instead(session, "apply_update")
    def update(right: Right, optimizer: torch.optim.Optimizer, *numbers: object) -> None:
        optimizer.zero_grad(set_to_none=False)
        right(optimizer, *numbers)


@mutant("classic: accumulation that is counted on both sides", "trunk", DIRECT, Cause.NOT_APPLIED, since=1)
def update_only_every_other_step_at_the_trunk() -> None:
    """The trunk leaves out every second update."""
    turns = itertools.cycle((True, False))

    @instead(session, "apply_update")
    def update(right: Right, optimizer: torch.optim.Optimizer, *numbers: object) -> None:
        if next(turns):
            right(optimizer, *numbers)
        else:
            optimizer.zero_grad(set_to_none=True)


@mutant("classic: parameters that the optimizer was not given", "trunk", DIRECT, Cause.NOT_APPLIED)
def leave_the_trunks_last_block_untrained() -> None:
    """The trunk's optimizer does not have the last block."""

    @instead(session, "build_optimizer")
    def build(right: Right, parameters: Mapping[str, nn.Parameter], config: TrainingConfig) -> torch.optim.Optimizer:
        optimizer: torch.optim.Optimizer = right(parameters, config)
        last = {parameter for name, parameter in parameters.items() if name.startswith("transformer.h.2.")}
        for group in optimizer.param_groups:
            group["params"] = [parameter for parameter in group["params"] if parameter not in last]
        return optimizer

    @instead(TrunkSession, "commit")
    def commit(right: Right, self: TrunkSession, value: Commit) -> None:
        before = self.applied_step
        right(self, value)
        if self.applied_step > before:
            for parameter in self._parameters.values():
                parameter.grad = None


@mutant("classic: the server steps when it has gradients", "trunk", DIRECT, Cause.MIDSTEP)
def update_after_every_backward() -> None:
    """The trunk updates its weights after every microbatch's backward pass."""

    @instead(TrunkSession, "backward")
    def backward(right: Right, self: TrunkSession, at: Position, gradient: torch.Tensor) -> BackwardResult:
        result: BackwardResult = right(self, at, gradient)
        if at.microbatch < at.microbatches - 1:
            self._optimizer.step()
        return result
