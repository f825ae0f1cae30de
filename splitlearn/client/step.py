"""The training step of split learning, top to bottom.

Shapes: B sequences, T positions, H hidden width, V vocabulary.
"""

import logging
import math
from dataclasses import dataclass, field

import torch

from splitlearn.client.gradients import ClientGradients, clip_coefficient, global_norm
from splitlearn.client.report import StepReport
from splitlearn.client.schedule import Work, schedule_of
from splitlearn.coding import CodecStates
from splitlearn.config import TrainingConfig
from splitlearn.data import Microbatch, StepBatch, target_tokens
from splitlearn.determinism import stage_scope
from splitlearn.loss import token_loss_sum
from splitlearn.models.family import ClientStage, ModelIdentity
from splitlearn.optimizer import LearningRate, apply_update, build_optimizer
from splitlearn.probe import Probe
from splitlearn.runtime import Clock
from splitlearn.stopwatch import Stopwatch
from splitlearn.tensor_log import TensorLog
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.trunk_link import BackwardResult, Commit, Pending, Position, TrunkLink

__all__ = ["TrainingStep"]

log = logging.getLogger(__name__)


@dataclass
class _Passes:
    """What a step's passes yield: the microbatches' losses, and the norms of the trunk's gradients by name."""

    losses: list[torch.Tensor] = field(default_factory=list)
    norms: dict[str, float] = field(default_factory=dict)


class TrainingStep:
    """The client's side of training: bottom, top, their optimizer, and the conversation with the trunk."""

    def __init__(
        self,
        stage: ClientStage,
        identity: ModelIdentity,
        trunk: TrunkLink,
        learning_rate: LearningRate,
        config: TrainingConfig,
        probe: Probe,
        tensor_log: TensorLog,
        clock: Clock,
    ) -> None:
        self.stage = stage
        self.parameters = dict(stage.named_parameters())
        self.optimizer = build_optimizer(stage.trainable(), config)
        # The previous step's commit, until the trunk has it: the next forward passes carry it.
        self.pending_commit: Commit | None = None
        self._order = identity.parameter_order
        self._trunk_trains = any(name not in self.parameters for name in self._order)
        self._gradients = ClientGradients(stage)
        self._trunk = trunk
        self._learning_rate = learning_rate
        self._config = config
        self._probe = probe
        self._tensor_log = tensor_log
        self._watch = trunk.watch = Stopwatch(clock)

    @property
    def codec_states(self) -> CodecStates:
        """What codecs remember of the tensors that crossed the wire."""
        return self._trunk.codec_states

    def run(self, step: int, batch: StepBatch) -> StepReport:
        """Train on one batch, in the order of the schedule."""
        watch = self._watch
        watch.start()
        tokens = target_tokens(batch)
        self._probe.point("client.step.started", step)

        passes = _Passes()
        finite = True
        try:
            self._run_passes(step, batch, tokens, passes)
        except WireError as error:
            if error.reason not in (Reason.NON_FINITE, Reason.NON_FINITE_RESULT):
                raise
            finite = False
            log.warning("step %d is skipped: %s", step, error.message)
            self._flush_commit()

        with watch.part("update"):
            all_norms = {**passes.norms, **self._gradients.norms()}
            missing = [name for name in self._order if finite and name not in all_norms]
            if missing:
                raise WireError(Reason.INCOMPLETE_STEP, f"step {step}: the trunk gave no norm of {missing[0]}")
            norm = global_norm(all_norms, self._order, self._config.device) if finite else math.nan
            if finite and not math.isfinite(norm):
                log.warning("step %d is skipped: the norm of its gradients is %s", step, norm)
            commit = self._commit(step, norm)
            if not commit.skip:
                self._tensor_log.norms(step, all_norms, norm)
            self._tensor_log.update(step, "client", commit.numbers, self.parameters)
        losses = passes.losses
        loss = float(sum(losses[1:], losses[0])) if len(losses) == len(batch) else math.nan
        self._probe.point("client.commit.applied", step, loss=repr(loss), skipped=commit.skip)
        positions = sum(microbatch.input_ids_BT.numel() for microbatch in batch)
        # Copied: the watch goes on, for example over a checkpoint.
        breakdown = dict(watch.parts)
        return StepReport(
            step, loss, commit.learning_rate, norm, tokens, positions, commit.skip, watch.total(), breakdown
        )

    def _run_passes(self, step: int, batch: StepBatch, tokens: int, passes: _Passes) -> None:
        """Run all microbatches forward and backward; `passes` keeps what has come if a call fails."""
        forwards: dict[int, tuple[torch.Tensor, Pending[torch.Tensor]]] = {}
        backwards: dict[int, tuple[torch.Tensor, Pending[BackwardResult]]] = {}
        watch = self._watch
        for action in schedule_of(self._config, len(batch)):
            at, microbatch = Position(step, action.microbatch, len(batch)), batch[action.microbatch]
            match action.work:
                case Work.FORWARD:
                    with watch.part("bottom"):
                        forwards[at.microbatch] = self._send_forward(at, microbatch)
                case Work.TOP:
                    smashed_BTH, answer = forwards.pop(at.microbatch)
                    with watch.part("forward_wait"):
                        features_BTH = answer.result()
                        self._probe.point("client.forward.received", at.step, at.microbatch)
                    with watch.part("top"):
                        features_grad_BTH = self._run_top(at, microbatch, features_BTH, tokens, passes.losses)
                        backwards[at.microbatch] = smashed_BTH, self._send_backward(at, features_grad_BTH)
                case Work.BACKWARD:
                    smashed_BTH, pending = backwards.pop(at.microbatch)
                    with watch.part("backward_wait"):
                        result = pending.result()
                        self._probe.point("client.backward.received", at.step, at.microbatch)
                    with watch.part("update"):
                        self._run_bottom_backward(at, smashed_BTH, result, passes.norms)
                    self._probe.point("client.backward.done", at.step, at.microbatch)

    def _send_forward(self, at: Position, microbatch: Microbatch) -> tuple[torch.Tensor, Pending[torch.Tensor]]:
        input_ids_BT, mask_BT = self._to_device(microbatch.input_ids_BT), self._to_device(microbatch.attention_mask_BT)
        with stage_scope(self._config, at.step, at.microbatch, "bottom"):
            smashed_BTH = self.stage.bottom(input_ids_BT, mask_BT)
        self._tensor_log.boundary(at.step, at.microbatch, "smashed", smashed_BTH)
        self._probe.point("client.forward.sending", at.step, at.microbatch)
        with self._watch.part("encode"):
            answer = self._trunk.forward(at, smashed_BTH, mask_BT, self.pending_commit)
        self._probe.point("client.forward.sent", at.step, at.microbatch)
        return smashed_BTH, answer

    def _run_top(
        self,
        at: Position,
        microbatch: Microbatch,
        features_BTH: torch.Tensor,
        tokens: int,
        losses: list[torch.Tensor],
    ) -> torch.Tensor:
        """Compute the microbatch's share of the loss; return the gradient of the features."""
        self._tensor_log.boundary(at.step, at.microbatch, "features", features_BTH)
        mask_BT, labels_BT = self._to_device(microbatch.attention_mask_BT), self._to_device(microbatch.labels_BT)
        leaf_BTH = features_BTH.detach().requires_grad_()
        with stage_scope(self._config, at.step, at.microbatch, "top"):
            logits_BTV = self.stage.top(leaf_BTH, mask_BT)
            loss = token_loss_sum(logits_BTV, labels_BT, self._config) / tokens
        losses.append(loss.detach())
        self._tensor_log.boundary(at.step, at.microbatch, "loss", loss)
        features_grad_BTH = self._gradients.add_top(at.microbatch, loss, leaf_BTH)
        self._tensor_log.boundary(at.step, at.microbatch, "features_grad", features_grad_BTH)
        return features_grad_BTH

    def _send_backward(self, at: Position, features_grad_BTH: torch.Tensor) -> Pending[BackwardResult]:
        self._probe.point("client.backward.sending", at.step, at.microbatch)
        with self._watch.part("encode"):
            answer = self._trunk.backward(at, features_grad_BTH)
        self._probe.point("client.backward.sent", at.step, at.microbatch)
        return answer

    def _run_bottom_backward(
        self, at: Position, smashed_BTH: torch.Tensor, result: BackwardResult, norms: dict[str, float]
    ) -> None:
        self._tensor_log.boundary(at.step, at.microbatch, "smashed_grad", result.smashed_grad_BTH)
        self._gradients.add_bottom(at.microbatch, smashed_BTH, result.smashed_grad_BTH)
        norms.update(result.norms)

    def _commit(self, step: int, norm: float) -> Commit:
        """Compute the step's commit, apply it here, and leave it for the trunk."""
        skip = not math.isfinite(norm)
        coefficient = clip_coefficient(norm, self._config.max_grad_norm)
        commit = Commit(step, self._learning_rate.at(step), None if skip else coefficient, skip)
        self._probe.point("client.commit.decided", step)
        self._tensor_log.gradients(step, self._gradients.accumulated())
        if self._trunk_trains and self._tensor_log.keeps_whole(step) and not skip:
            self._probe.point("client.gradients.sending", step)
            self._tensor_log.gradients(step, self._trunk.gradients(step))
            self._probe.point("client.gradients.received", step)
        if skip:
            self._probe.point("client.step.skipped", step)
            self.optimizer.zero_grad(set_to_none=True)
        else:
            apply_update(self.optimizer, commit.learning_rate, commit.clip_coefficient)
        self._gradients.clear()
        self.pending_commit = commit
        return commit

    def _flush_commit(self) -> None:
        """Send the pending commit by itself, if no forward pass may follow to carry it."""
        if self.pending_commit:
            self._trunk.commit(self.pending_commit)

    def _to_device(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(self._config.device)
