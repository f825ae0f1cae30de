"""Equivalent mutants: changes that no run can distinguish from the correct system, each with the reason why."""

from collections.abc import Mapping, Sequence

import torch
from transformers.models.gpt2.modeling_gpt2 import GPT2Block

from harness.judging.diagnosis.cause import Cause
from harness.mutants.instead import Right, instead
from harness.mutants.mutant import mutant
from harness.mutants.scenarios import DIRECT
from splitlearn.client.gradients import ClientGradients
from splitlearn.trunk.accumulator import Accumulator

__all__: list[str] = []


@mutant(
    "classic: every part counts positions from its own beginning",
    "both",
    DIRECT,
    Cause.ARITHMETIC,
    equivalent="GPT-2 adds its learned positions before the first block; its blocks take position ids and read none",
)
def reset_the_position_ids_at_the_cut() -> None:
    """Blocks are given position ids of zero."""

    @instead(GPT2Block, "forward")
    def forward(right: Right, self: GPT2Block, *tensors: object, position_ids: torch.Tensor, **more: object) -> object:
        return right(self, *tensors, position_ids=0 * position_ids, **more)


@mutant(
    "classic: order of accumulation",
    "trunk",
    DIRECT,
    Cause.ORDER,
    equivalent="there are two microbatches, and addition of two numbers is commutative to the bit",
)
def accumulate_two_microbatches_in_the_other_order() -> None:
    """The trunk adds the first microbatch's gradients to those of the second."""

    @instead(Accumulator, "_join")
    def join(right: Right, self: Accumulator, gradients: Sequence[torch.Tensor]) -> None:
        held = [parameter.grad for parameter in self._parameters.values()]
        for parameter in self._parameters.values():
            parameter.grad = None
        right(self, gradients)
        if all(gradient is not None for gradient in held):
            right(self, held)


@mutant(
    "classic: order of summands",
    "client",
    DIRECT,
    Cause.TIED,
    equivalent="the sum of a tied weight's two gradients of one microbatch is commutative to the bit",
)
def add_the_heads_gradient_to_the_embeddings() -> None:
    """A tied weight's gradients are added the other way round."""

    @instead(ClientGradients, "add_bottom")
    def add_bottom(
        _right: Right, self: ClientGradients, microbatch: int, smashed: torch.Tensor, grad: torch.Tensor
    ) -> None:
        gradients = torch.autograd.grad(smashed, list(self._bottom.values()), grad)
        named = dict(zip(self._bottom, gradients, strict=True))
        for name, from_head in self._held.pop(microbatch).items():
            named[name] = named[name] + from_head
        self._accumulate(named)


@mutant(
    "classic: order of fields",
    "trunk",
    DIRECT,
    Cause.NORM,
    equivalent="norms are looked up by name, in the uncut model's order",
)
def report_the_norms_in_another_order() -> None:
    """The trunk reports its norms from the last parameter to the first."""

    @instead(Accumulator, "norms")
    def norms(right: Right, self: Accumulator, microbatch: int) -> Mapping[str, float]:
        return dict(reversed(right(self, microbatch).items()))
