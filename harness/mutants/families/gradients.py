"""Wrong gradients: lost, passed on unchanged, or accumulated incorrectly."""

from collections.abc import Mapping, Sequence

import torch

from harness.judging.diagnosis.cause import Cause
from harness.mutants.instead import Right, instead
from harness.mutants.mutant import mutant
from harness.mutants.scenarios import DIRECT, EPOCHS, LOST_REPLY, THREE_MICROBATCHES
from splitlearn.client.gradients import ClientGradients
from splitlearn.client.step import TrainingStep
from splitlearn.data import TrainingData
from splitlearn.trunk.accumulator import Accumulator
from splitlearn.trunk.session import TrunkSession
from splitlearn.wire.reliable import ReliableCalls
from splitlearn.wire.trunk_link import BackwardResult, Commit, Position

__all__: list[str] = []


@mutant("LHY-in-universe/SL: the server returns the gradient that it was given", "trunk", DIRECT, Cause.PASSED_ON)
def return_the_gradient_unchanged() -> None:
    """The gradient of the smashed data is that of the features."""

    @instead(TrunkSession, "backward")
    def backward(right: Right, self: TrunkSession, at: Position, features_grad_BTH: torch.Tensor) -> BackwardResult:
        return BackwardResult(features_grad_BTH, right(self, at, features_grad_BTH).norms)


@mutant("classic: one of two uses of a tied weight is forgotten", "client", DIRECT, Cause.TIED)
def lose_the_heads_gradient_of_the_tied_weight() -> None:
    """The tied weight has the embedding's gradient alone."""

    @instead(ClientGradients, "add_top")
    def add_top(right: Right, self: ClientGradients, microbatch: int, *tensors: torch.Tensor) -> torch.Tensor:
        features_grad_BTH: torch.Tensor = right(self, microbatch, *tensors)
        self._held[microbatch] = {name: 0 * gradient for name, gradient in self._held[microbatch].items()}
        return features_grad_BTH


@mutant("classic: the head's gradient joins when it is there", "client", DIRECT, Cause.TIED)
def join_the_tied_gradients_in_another_order() -> None:
    """A tied weight's gradients join the accumulator one after the other: (acc + head) + embedding."""

    @instead(ClientGradients, "add_top")
    def add_top(right: Right, self: ClientGradients, microbatch: int, *tensors: torch.Tensor) -> torch.Tensor:
        features_grad_BTH: torch.Tensor = right(self, microbatch, *tensors)
        self._accumulate({name: gradient.clone() for name, gradient in self._held[microbatch].items()})
        self._held[microbatch] = {}
        return features_grad_BTH


@mutant("classic: a retry that is not idempotent", "trunk", LOST_REPLY, Cause.DOUBLED, since=1)
def accumulate_a_repeated_backward_twice() -> None:
    """A backward pass that is asked for again joins the gradients again."""

    @instead(TrunkSession, "backward")
    def backward(right: Right, self: TrunkSession, at: Position, features_grad_BTH: torch.Tensor) -> BackwardResult:
        entry = self._tape.entries.get(at.microbatch)
        if entry is not None and entry.smashed_grad_BTH is not None:
            before = {name: gradient.clone() for name, gradient in self.gradients().items()}
            entry.smashed_grad_BTH = None
            right(self, at, features_grad_BTH)
            for name, parameter in self._parameters.items():
                if parameter.grad is not None:
                    parameter.grad.add_(before[name])
        result: BackwardResult = right(self, at, features_grad_BTH)
        return result


@mutant("classic: a hook that is registered twice", "trunk", DIRECT, Cause.DOUBLED)
def add_every_gradient_twice() -> None:
    """The trunk adds each microbatch's gradients twice."""

    @instead(Accumulator, "_join")
    def join(right: Right, self: Accumulator, gradients: Sequence[torch.Tensor]) -> None:
        right(self, [gradient.clone() for gradient in gradients])
        right(self, gradients)


@mutant(
    "torchtitan issue 1732: accumulation that becomes a moving average", "trunk", THREE_MICROBATCHES, Cause.ACCUMULATION
)
def accumulate_a_moving_average() -> None:
    """Accumulated gradients are halved when the next microbatch's come."""

    @instead(Accumulator, "_join")
    def join(right: Right, self: Accumulator, gradients: Sequence[torch.Tensor]) -> None:
        first = all(parameter.grad is None for parameter in self._parameters.values())
        right(self, gradients)
        for parameter in self._parameters.values():
            if not first and parameter.grad is not None:
                parameter.grad.mul_(0.5)


@mutant("classic: an assignment instead of an addition", "trunk", DIRECT, Cause.ACCUMULATION)
def keep_the_last_microbatchs_gradient_alone() -> None:
    """A microbatch's gradients replace those of the ones before."""

    @instead(Accumulator, "_join")
    def join(_right: Right, self: Accumulator, gradients: Sequence[torch.Tensor]) -> None:
        for parameter, gradient in zip(self._parameters.values(), gradients, strict=True):
            parameter.grad = gradient


@mutant("classic: gradients join in the order of their arrival", "trunk", THREE_MICROBATCHES, Cause.ORDER)
def accumulate_from_the_last_microbatch_on() -> None:
    """The trunk adds the microbatches' gradients in the opposite order."""

    @instead(Accumulator, "_join")
    def join(right: Right, self: Accumulator, gradients: Sequence[torch.Tensor]) -> None:
        kept: list[Sequence[torch.Tensor]] = vars(self).setdefault("kept", [])
        kept.append(gradients)
        for parameter in self._parameters.values():
            parameter.grad = None
        for each in reversed(kept):
            right(self, [gradient.clone() for gradient in each])

    @instead(Accumulator, "clear")
    def clear(right: Right, self: Accumulator) -> None:
        vars(self).pop("kept", None)
        right(self)


@mutant("classic: accumulation in the precision of the wire", "trunk", DIRECT, Cause.ROUNDED)
def accumulate_in_half_precision() -> None:
    """The trunk's accumulated gradients are rounded to float16."""

    @instead(Accumulator, "_join")
    def join(right: Right, self: Accumulator, gradients: Sequence[torch.Tensor]) -> None:
        right(self, [gradient.half().float() for gradient in gradients])


@mutant(
    "Plato, split learning: a gradient that does not come is skipped silently",
    "client",
    LOST_REPLY,
    Cause.LOST,
    since=1,
)
def skip_a_gradient_that_does_not_come() -> None:
    """The bottom is not trained on a microbatch whose reply was lost once."""
    missed: set[str] = set()

    @instead(ReliableCalls, "failed")
    def failed(right: Right, self: ReliableCalls, method: str, *others: object) -> None:
        missed.add(method)
        right(self, method, *others)

    @instead(ClientGradients, "add_bottom")
    def add_bottom(
        right: Right, self: ClientGradients, microbatch: int, smashed: torch.Tensor, grad: torch.Tensor
    ) -> None:
        right(self, microbatch, smashed, 0 * grad if "Backward" in missed else grad)
        missed.clear()


@mutant("classic: zero_grad is missing", "client", DIRECT, Cause.LEFT_OVER, since=1)
def forget_to_clear_the_clients_gradients() -> None:
    """The client's gradients of a step stay for the next."""

    @instead(TrainingStep, "_commit")
    def commit(right: Right, self: TrainingStep, step: int, norm: float) -> Commit:
        gradients = {name: parameter.grad for name, parameter in self.parameters.items()}
        decided: Commit = right(self, step, norm)
        put_back(self.parameters, gradients)
        return decided


@mutant("classic: zero_grad is missing", "trunk", DIRECT, Cause.LEFT_OVER, since=1)
def forget_to_clear_the_trunks_gradients() -> None:
    """The trunk's gradients of a step stay for the next."""

    @instead(TrunkSession, "commit")
    def commit(right: Right, self: TrunkSession, value: Commit) -> None:
        gradients = {name: parameter.grad for name, parameter in self._parameters.items()}
        was = self.applied_step
        right(self, value)
        if self.applied_step > was:
            put_back(self._parameters, gradients)


@mutant("classic: zero_grad is missing after an epoch's last, smaller step", "client", EPOCHS, Cause.LEFT_OVER, since=4)
def leak_gradients_into_the_next_epoch() -> None:
    """The client's gradients of an epoch's last step stay for the next epoch."""
    ends: list[bool] = []

    @instead(TrainingData, "step")
    def read(right: Right, self: TrainingData, index: int) -> object:
        ends.append(self.position(index)[1] == self.steps_per_epoch - 1)
        return right(self, index)

    @instead(TrainingStep, "_commit")
    def commit(right: Right, self: TrainingStep, step: int, norm: float) -> Commit:
        gradients = {name: parameter.grad for name, parameter in self.parameters.items()}
        decided: Commit = right(self, step, norm)
        if ends[-1]:
            put_back(self.parameters, gradients)
        return decided


def put_back(parameters: Mapping[str, torch.Tensor], gradients: Mapping[str, torch.Tensor | None]) -> None:
    """Restore gradients that have been cleared."""
    for name, parameter in parameters.items():
        parameter.grad = gradients[name]
