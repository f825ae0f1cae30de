"""Wrong checkpoints, wrong resumption, and steps that only one side skips."""

import math
from collections.abc import Mapping, Sequence

import torch

import splitlearn.commands.export
from harness.judging.diagnosis.cause import Cause
from harness.mutants.families.gradients import put_back
from harness.mutants.instead import Right, instead
from harness.mutants.mutant import mutant
from harness.mutants.scenarios import CLIENT_KILLED, DIRECT, KILLED_BETWEEN_HALVES, SKIP, TRUNK_KILLED, named
from splitlearn.checkpoint import CheckpointStore
from splitlearn.checkpoint.half import CheckpointHalf
from splitlearn.client import checkpoints
from splitlearn.client.checkpoints import ClientCheckpoints
from splitlearn.client.step import TrainingStep
from splitlearn.data import StepBatch, TrainingData
from splitlearn.optimizer import LearningRate, apply_update
from splitlearn.trunk import session as trunk
from splitlearn.trunk.checkpoints import TrunkCheckpoints
from splitlearn.trunk.session import TrunkSession
from splitlearn.wire.trunk_link import Commit

__all__: list[str] = []


@mutant("classic: the state is written before the step's update", "trunk", DIRECT, Cause.CHECKPOINT)
def save_the_weights_of_the_step_before() -> None:
    """The trunk's half of a checkpoint has the weights of one step earlier."""
    before: dict[str, torch.Tensor] = {}

    @instead(TrunkSession, "commit")
    def commit(right: Right, self: TrunkSession, value: Commit) -> None:
        if value.step == self.applied_step:
            before.update({name: weight.clone() for name, weight in self.weights().items()})
        right(self, value)

    @instead(TrunkCheckpoints, "save")
    def save(right: Right, self: TrunkCheckpoints, session: TrunkSession) -> str:
        vars(session)["weights"] = lambda: before
        try:
            return str(right(self, session))
        finally:
            del vars(session)["weights"]


@mutant("classic: optimizer.state_dict() is not saved", "trunk", TRUNK_KILLED, Cause.RESTORED, since=2)
def resume_without_moments() -> None:
    """A trunk that resumes begins with empty moments."""

    @instead(trunk, "load_optimizer_state")
    def load(_right: Right, optimizer: torch.optim.Optimizer, *_: object) -> None:
        optimizer.state.clear()


@mutant("classic: a counter that is saved before it is raised", "trunk", TRUNK_KILLED, Cause.RESTORED, since=2)
def resume_with_adams_counter_off_by_one() -> None:
    """Adam's count of steps is one too low after a resume."""

    @instead(trunk, "load_optimizer_state")
    def load(
        right: Right, optimizer: torch.optim.Optimizer, parameters: object, tensors: Mapping[str, torch.Tensor]
    ) -> None:
        off = {name: value - 1 if name.endswith("/step") else value for name, value in tensors.items()}
        right(optimizer, parameters, off)


@mutant("classic: the client's moments are not saved", "client", CLIENT_KILLED, Cause.RESTORED, since=2)
def resume_the_client_without_moments() -> None:
    """A client that resumes begins with empty moments."""

    @instead(checkpoints, "load_optimizer_state")
    def load(_right: Right, optimizer: torch.optim.Optimizer, *_: object) -> None:
        optimizer.state.clear()


@mutant("classic: the data loader begins anew", "client", CLIENT_KILLED, Cause.RESTORED, since=2)
def resume_at_the_beginning_of_the_data() -> None:
    """A client that resumes reads the data from its beginning."""
    first: list[int] = []

    @instead(TrainingData, "step")
    def read(right: Right, self: TrainingData, index: int) -> StepBatch:
        first.append(index)
        batch: StepBatch = right(self, index - first[0])
        return batch


@mutant("classic: the scheduler is not saved", "client", CLIENT_KILLED, Cause.RESTORED, since=2)
def resume_at_the_beginning_of_the_schedule() -> None:
    """A client that resumes begins the schedule anew."""
    first: list[int] = []

    @instead(LearningRate, "at")
    def at(right: Right, self: LearningRate, step: int) -> float:
        first.append(step)
        return float(right(self, step - first[0]))


@mutant("classic: weights are loaded before the model is built", "trunk", TRUNK_KILLED, Cause.RESTORED, since=2)
def resume_with_the_initial_weights() -> None:
    """A trunk that resumes has the moments of the checkpoint and the initial weights."""

    @instead(TrunkSession, "restore")
    def restore(right: Right, self: TrunkSession, half: CheckpointHalf) -> None:
        initial = {name: weight.clone() for name, weight in self.weights().items()}
        fingerprint = half.mark.weights
        right(self, half)
        for name, parameter in self._parameters.items():
            parameter.data.copy_(initial[name])
        vars(self)["fingerprint"] = lambda: fingerprint


@mutant("classic: each rank resumes from its newest file", "trunk", KILLED_BETWEEN_HALVES, Cause.RESTORED, since=2)
def resume_from_the_trunks_newest_half() -> None:
    """The trunk resumes with its newest weights, though the client has only those of an earlier step."""

    @instead(TrunkCheckpoints, "resume")
    def resume(right: Right, self: TrunkCheckpoints, session: TrunkSession, steps: Sequence[int], source: str) -> None:
        right(self, session, steps, source)
        common, fingerprint = session.applied_step, session.fingerprint()
        right(self, session, self.steps(), source)
        session.applied_step = common
        vars(session)["fingerprint"] = lambda: fingerprint


@mutant("classic: resuming reads the second newest", "client", named("export"), Cause.EXPORT)
def export_the_older_checkpoint() -> None:
    """The exported model is not of the newest checkpoint."""

    class Older(CheckpointStore):
        """Has all but the newest."""

        def steps(self) -> list[int]:
            """List the steps."""
            return super().steps()[1:]

    vars(splitlearn.commands.export)["CheckpointStore"] = Older


@mutant("classic: rounding in a file", "client", CLIENT_KILLED, Cause.RESTORED, since=2)
def restore_weights_in_half_precision() -> None:
    """The client's weights are rounded to float16 when they are restored."""

    @instead(ClientCheckpoints, "restore")
    def restore(right: Right, self: ClientCheckpoints, training: TrainingStep, *others: object) -> None:
        right(self, training, *others)
        for parameter in training.parameters.values():
            parameter.data.copy_(parameter.data.half())


@mutant("classic: a skipped step leaves its gradients", "client", SKIP, Cause.LEFT_OVER, since=3)
def keep_the_gradients_of_a_skipped_step_at_the_client() -> None:
    """The client's gradients of a skipped step join those of the next."""

    @instead(TrainingStep, "_commit")
    def commit(right: Right, self: TrainingStep, step: int, norm: float) -> Commit:
        gradients = {name: parameter.grad for name, parameter in self.parameters.items()}
        decided: Commit = right(self, step, norm)
        if decided.skip:
            put_back(self.parameters, gradients)
        return decided


@mutant("classic: a skipped step leaves its gradients", "trunk", SKIP, Cause.LEFT_OVER, since=3)
def keep_the_gradients_of_a_skipped_step_at_the_trunk() -> None:
    """The trunk's gradients of a skipped step join those of the next."""

    @instead(TrunkSession, "commit")
    def commit(right: Right, self: TrunkSession, value: Commit) -> None:
        gradients = {name: parameter.grad for name, parameter in self._parameters.items()}
        was = self.applied_step
        right(self, value)
        if value.skip and self.applied_step > was:
            put_back(self._parameters, gradients)


@mutant("classic: an overflow is noticed on one rank only", "client", SKIP, Cause.SKIPPED, since=2)
def skip_a_step_at_the_trunk_only() -> None:
    """The client updates its weights in a step that the trunk skips."""

    @instead(TrainingStep, "_commit")
    def commit(right: Right, self: TrainingStep, step: int, norm: float) -> Commit:
        if not math.isfinite(norm):
            for parameter in self.parameters.values():
                parameter.grad = torch.ones_like(parameter) if parameter.grad is None else parameter.grad
            apply_update(self.optimizer, self._learning_rate.at(step), None)
        decided: Commit = right(self, step, norm)
        return decided
