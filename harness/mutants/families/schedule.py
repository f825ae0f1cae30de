"""Wrong learning rates."""

import torch

from harness.judging.diagnosis.cause import Cause
from harness.mutants.instead import Right, instead
from harness.mutants.mutant import mutant
from harness.mutants.scenarios import DIRECT, FOUR_STEPS
from splitlearn.optimizer import LearningRate
from splitlearn.trunk import session

__all__: list[str] = []


@mutant("classic: scheduler.step() in the loop over microbatches", "client", FOUR_STEPS, Cause.RATE, since=1)
def step_the_schedule_with_every_microbatch() -> None:
    """The schedule advances with every microbatch."""

    @instead(LearningRate, "at")
    def at(right: Right, self: LearningRate, step: int) -> float:
        return float(right(self, 2 * step))


@mutant("classic: scheduler.step() before optimizer.step()", "client", FOUR_STEPS, Cause.RATE)
def begin_the_schedule_with_its_second_rate() -> None:
    """Every step has the learning rate of the next."""

    @instead(LearningRate, "at")
    def at(right: Right, self: LearningRate, step: int) -> float:
        return float(right(self, step + 1))


@mutant("classic: the server has no schedule", "trunk", FOUR_STEPS, Cause.RATE)
def leave_the_trunk_at_the_peak_learning_rate() -> None:
    """The trunk updates with the peak learning rate."""

    @instead(session, "apply_update")
    def update(right: Right, optimizer: torch.optim.Optimizer, _rate: float, coefficient: float | None) -> None:
        right(optimizer, optimizer.defaults["lr"], coefficient)


@mutant("classic: the rate is sent after the step", "trunk", DIRECT, Cause.RATE, since=1)
def update_the_trunk_with_the_rate_of_the_step_before() -> None:
    """The trunk's learning rate is one step behind."""
    rates: list[float] = []

    @instead(session, "apply_update")
    def update(right: Right, optimizer: torch.optim.Optimizer, rate: float, coefficient: float | None) -> None:
        rates.append(rate)
        right(optimizer, rates[-2:][0], coefficient)


@mutant("classic: an option that is read and not used", "client", DIRECT, Cause.RATE, since=1)
def keep_the_rate_constant() -> None:
    """The learning rate does not fall."""

    @instead(LearningRate, "at")
    def at(right: Right, self: LearningRate, _step: int) -> float:
        return float(right(self, 0))
