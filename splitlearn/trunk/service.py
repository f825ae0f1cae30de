"""The trunk's protocol: messages in, messages out, refusals as `WireError`.

Knows sessions, incarnations and limits; knows no gRPC. Not thread-safe: one thread makes every call.
"""

from collections.abc import Callable, Iterator

from splitlearn.coding import Passage, Slot
from splitlearn.config import TrainingConfig
from splitlearn.models.family import ModelIdentity, TrunkStage
from splitlearn.probe import Probe
from splitlearn.runtime import Disk
from splitlearn.stopwatch import UNWATCHED, Watch
from splitlearn.tensor_log import TensorLog
from splitlearn.trunk.activations import Activations
from splitlearn.trunk.admission import INFERS_ONLY, Admission
from splitlearn.trunk.boundary import BoundaryTensors, arriving_passage
from splitlearn.trunk.sessions import OpenSession, Sessions
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.messages import commit_value, position_value
from splitlearn.wire.tensors import encode_tensor

__all__ = ["TrunkService"]

CLOSING = (pb.SyncTrainingStateRequest.ACTION_CLOSE, pb.SyncTrainingStateRequest.ACTION_ABANDON)


class TrunkService:
    """All sessions of one trunk.

    Args:
        config: the trunk's settings.
        identity: the model of which the trunk holds a part.
        load_stage: loads a fresh stage with the initial weights; each session trains its own.
        sessions: the open ones.
        probe: receives a point for every request.
        tensor_log: receives every gradient.
        disk: holds checkpoints and the holders of sessions.
        activations: limits the memory for a microbatch; of an earlier trunk with these settings, it knows more shapes.
        watch: told when tensors are decoded and encoded.
    """

    def __init__(
        self,
        config: TrainingConfig,
        identity: ModelIdentity,
        load_stage: Callable[[], TrunkStage],
        sessions: Sessions,
        probe: Probe,
        tensor_log: TensorLog,
        disk: Disk,
        activations: Activations | None = None,
        watch: Watch = UNWATCHED,
    ) -> None:
        self._config = config
        self._sessions = sessions
        self._admission = Admission(config, identity, load_stage, sessions, probe, tensor_log, disk)
        self._tensors = BoundaryTensors(config, identity, watch)
        self._activations = activations or Activations(config, identity.positions)

    @property
    def stopping(self) -> bool:
        """Whether the trunk is about to end: clients are told to save and close; no session is opened any more."""
        return self._admission.stopping

    @stopping.setter
    def stopping(self, stopping: bool) -> None:
        """Note that the trunk is about to end; may be called by another thread."""
        self._admission.stopping = stopping

    @property
    def training_sessions(self) -> list[str]:
        """Names of the training sessions; may be read by another thread."""
        return self._sessions.training_sessions

    @property
    def pending_nbytes(self) -> int:
        """Bytes kept for the steps in progress; may be read by another thread."""
        return self._sessions.pending_nbytes

    def close_idle(self) -> None:
        """Give up the sessions whose clients are gone."""
        self._admission.close_idle()

    def open_session(self, request: pb.OpenSessionRequest) -> pb.OpenSessionReply:
        """Start or resume a session; a newer incarnation takes over from an older one."""
        welcome = self._admission.open(request)
        return pb.OpenSessionReply(
            incarnation=welcome.incarnation,
            applied_step=welcome.applied_step,
            fingerprint=welcome.fingerprint,
            max_message_bytes=self._config.max_message_bytes,
        )

    def compute(self, request: pb.ComputeRequest) -> pb.ComputeReply:
        """Run the forward pass of one microbatch."""
        held = self._held(request.key)
        session = held.session
        arriving = arriving_passage(session.codec_states, request)
        smashed_BTH = self._tensors.hidden("smashed", request.smashed, arriving)
        attention_mask_BT = self._tensors.mask(request.attention_mask, smashed_BTH.shape[:2])
        self._activations.check(session.stage, smashed_BTH.shape, training=not request.inference)
        if request.inference:
            return pb.ComputeReply(
                features=self._tensors.reply(session.infer(smashed_BTH, attention_mask_BT), request.smashed, Passage()),
                stopping=self.stopping,
            )
        self._check_trains(held)
        at = position_value(request.key)
        held.probe.point("trunk.compute.received", at.step, at.microbatch)
        commit = commit_value(request.commit) if request.HasField("commit") else None
        session.release(at, request.finished)
        features_BTH = session.forward(at, smashed_BTH, attention_mask_BT, commit)
        leaving = session.codec_states.passage(Slot(request.smashed.codec, "features", at.microbatch))
        features = self._tensors.reply(features_BTH, request.smashed, leaving)
        session.remember(at, arriving, leaving)
        reply = pb.ComputeReply(features=features, stopping=self.stopping)
        held.probe.point("trunk.compute.done", at.step, at.microbatch, kept=session.kept)
        return reply

    def backward(self, request: pb.BackwardRequest) -> pb.BackwardReply:
        """Run the backward pass of one microbatch."""
        held = self._held(request.key)
        self._check_trains(held)
        session = held.session
        at = position_value(request.key)
        held.probe.point("trunk.backward.received", at.step, at.microbatch)
        states, codec = session.codec_states, request.features_grad.codec
        arriving = states.passage(Slot(codec, "features_grad", at.microbatch))
        leaving = states.passage(Slot(codec, "smashed_grad", at.microbatch))
        result = session.backward(at, self._tensors.hidden("features_grad", request.features_grad, arriving))
        norms = [pb.ParameterNorm(name=name, norm=norm) for name, norm in result.norms.items()]
        smashed_grad = self._tensors.reply(result.smashed_grad_BTH, request.features_grad, leaving)
        session.remember(at, arriving, leaving)
        reply = pb.BackwardReply(smashed_grad=smashed_grad, norms=norms, stopping=self.stopping)
        held.probe.point("trunk.backward.done", at.step, at.microbatch)
        return reply

    def get_gradients(self, request: pb.GetGradientsRequest) -> Iterator[pb.Gradient]:
        """Return the accumulated gradients of the step in progress."""
        held = self._held(request.key)
        session = held.session
        held.probe.point("trunk.gradients.received", request.key.step)
        gradients = session.gradients(request.names)
        if request.key.step != session.applied_step or not gradients:
            have = f"{session.applied_step} is in progress" if gradients else "none are accumulated"
            raise WireError(Reason.NO_GRADIENTS, f"no gradients of step {request.key.step}: {have}")
        for left, (name, gradient) in zip(reversed(range(len(gradients))), gradients.items(), strict=True):
            coded = encode_tensor(gradient, "raw", self._config.max_message_bytes)
            yield pb.Gradient(name=name, gradient=coded, left=left)
        held.probe.point("trunk.gradients.done", request.key.step)

    def sync_training_state(self, request: pb.SyncTrainingStateRequest) -> pb.SyncTrainingStateReply:
        """Commit, save, close, or just return the state."""
        if request.action not in pb.SyncTrainingStateRequest.Action.values():
            raise WireError(Reason.BAD_REQUEST, f"there is no action {request.action}")
        if request.action in CLOSING and request.key.session_id not in self._sessions:
            return pb.SyncTrainingStateReply()  # a repeated close
        held = self._held(request.key)
        held.probe.point("trunk.sync.received", request.key.step)
        if request.action == pb.SyncTrainingStateRequest.ACTION_COMMIT and not request.HasField("commit"):
            raise WireError(Reason.BAD_REQUEST, "there is no commit in a request to commit")
        if request.HasField("commit"):
            self._check_trains(held)
            held.session.commit(commit_value(request.commit))
        saved = ""
        if request.action == pb.SyncTrainingStateRequest.ACTION_SAVE:
            saved = self._save(request.key, held)
        elif request.action in CLOSING:
            self._close(held, abandoned=request.action == pb.SyncTrainingStateRequest.ACTION_ABANDON)
        held.probe.point("trunk.sync.done", request.key.step)
        applied = held.session.applied_step
        return pb.SyncTrainingStateReply(applied_step=applied, fingerprint=saved, stopping=self.stopping)

    def _save(self, key: pb.Key, held: OpenSession) -> str:
        self._check_trains(held)
        step = held.session.applied_step
        if key.step != step:
            reason = Reason.STEP_IN_FUTURE if key.step > step else Reason.STEP_IN_PAST
            raise WireError(reason, f"save of step {key.step}; the trunk has applied {step}")
        return held.checkpoints.save(held.session)

    def _close(self, held: OpenSession, *, abandoned: bool) -> None:
        if abandoned:
            self._check_trains(held)
            held.checkpoints.discard()
        # A client that a stopping trunk has asked to close reopens at the next trunk.
        if abandoned or not self.stopping:
            self._admission.release(held.name)
        self._admission.close(held.name)

    def _held(self, key: pb.Key) -> OpenSession:
        """Return the open session that a request names; raises `WireError` if its client has no say there."""
        return self._sessions.get(key.session_id, key.incarnation)

    def _check_trains(self, held: OpenSession) -> None:
        """Raise `WireError` for a session that no request may change."""
        if held.reader:
            raise WireError(Reason.WRONG_MODE, f"session {held.name!r} was opened for reading only")
        if self._config.mode != "training":
            raise WireError(Reason.WRONG_MODE, INFERS_ONLY)
