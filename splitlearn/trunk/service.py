"""The trunk's protocol: messages in, messages out, refusals as `WireError`.

Knows sessions, incarnations and limits; knows no gRPC. Not thread-safe: one thread makes every call.
"""

import logging
from collections.abc import Callable, Iterator

from splitlearn.agreement import agreement, first_difference, shared_settings, trunk_settings
from splitlearn.checkpoint import CheckpointStore, known_steps
from splitlearn.coding import Passage, Slot
from splitlearn.config import TrainingConfig
from splitlearn.errors import CheckpointError
from splitlearn.models.family import ModelIdentity, TrunkStage
from splitlearn.probe import Probe, ProbeWith
from splitlearn.recorder import Recorder
from splitlearn.runtime import Disk
from splitlearn.trunk.activations import Activations
from splitlearn.trunk.boundary import BoundaryTensors
from splitlearn.trunk.holders import Holder, Holders
from splitlearn.trunk.session import TrunkSession
from splitlearn.trunk.sessions import Sessions, checked_name
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.messages import commit_value, opening_value, position_value
from splitlearn.wire.tensors import encode_tensor
from splitlearn.wire.trunk_link import Opening, Welcome

__all__ = ["TrunkService"]

log = logging.getLogger(__name__)

INFERS_ONLY = "this trunk runs with --mode inference; it takes no training requests"
CLOSING = (pb.SyncTrainingStateRequest.ACTION_CLOSE, pb.SyncTrainingStateRequest.ACTION_ABANDON)
# A client keeps two; one that was killed while saving, three.
MOST_RESUME_STEPS = 64


class TrunkService:
    """All sessions of one trunk.

    Args:
        config: the trunk's settings.
        identity: the model of which the trunk holds a part.
        load_stage: loads a fresh stage with the initial weights; each session trains its own.
        sessions: the open ones.
        probe: receives a point for every request.
        recorder: receives every gradient.
        disk: holds checkpoints and the holders of sessions.

    Attributes:
        stopping: whether the trunk is about to end. Clients are told to save and close; no session is opened any more.
            May be set by another thread.
    """

    def __init__(
        self,
        config: TrainingConfig,
        identity: ModelIdentity,
        load_stage: Callable[[], TrunkStage],
        sessions: Sessions,
        probe: Probe,
        recorder: Recorder,
        disk: Disk,
    ) -> None:
        self._config = config
        self._agreement = agreement(config, identity)
        self._shared = shared_settings(config, identity)
        self._resumed = trunk_settings(config, identity)
        self._load_stage = load_stage
        self._probe = probe
        self._recorder = recorder
        self._sessions = sessions
        self._disk = disk
        self._holders = Holders(config.save_dir, disk)
        self._tensors = BoundaryTensors(config, identity)
        self._activations = Activations(config, identity.positions)
        self.stopping = False

    def open_session(self, request: pb.OpenSessionRequest) -> pb.OpenSessionReply:
        """Start or resume a session; a newer incarnation takes over from an older one."""
        difference = first_difference(self._agreement, dict(request.agreement))
        if difference:
            raise WireError(Reason.MISMATCH, f"{difference}; start both sides with the same settings")
        if len(request.resume_steps) > MOST_RESUME_STEPS:
            message = f"{len(request.resume_steps)} resume_steps; allowed are {MOST_RESUME_STEPS}"
            raise WireError(Reason.BAD_REQUEST, message)
        if self._config.mode != "training" and not request.reader:
            raise WireError(Reason.WRONG_MODE, INFERS_ONLY)
        name, opening = checked_name(request.session_id), opening_value(request)
        welcome = self._sessions.answered(name, opening)
        if welcome is None:
            if not request.reader:
                self._holders.check(name, request.replaces, self._silence(name))
            if self.stopping:
                self._turn_away(name, reader=request.reader)
            self._sessions.make_room(name, replaces=request.replaces, reader=request.reader)
            welcome = self._open(name, opening, request)
        return pb.OpenSessionReply(
            incarnation=welcome.incarnation,
            applied_step=welcome.applied_step,
            fingerprint=welcome.fingerprint,
            max_message_bytes=self._config.max_message_bytes,
        )

    @property
    def runs(self) -> list[str]:
        """The training sessions; may be read by another thread."""
        return self._sessions.runs

    @property
    def pending_nbytes(self) -> int:
        """Bytes kept for the steps in progress; may be read by another thread."""
        return self._sessions.pending_nbytes

    def close_idle(self) -> None:
        """Give up the sessions whose clients are gone."""
        for name in self._sessions.idle():
            if name not in self._sessions.runs:
                log.info("session %s: its reader has not been heard of; its place is given up", name)
                self._close(name)
                continue
            log.warning(
                "session %s: its client has not been heard of; its place is given up. Checkpoints here: %s. "
                "The client goes on from the newest of them by itself, or with --resume",
                name,
                ", ".join(map(str, self._store(name).steps())) or "none",
            )
            self._release(name)
            self._close(name)

    def compute(self, request: pb.ComputeRequest) -> pb.ComputeReply:
        """Run the forward pass of one microbatch."""
        session = self._session(request.key)
        arriving = _arriving(session, request)
        smashed_BTH = self._tensors.hidden("smashed", request.smashed, arriving)
        attention_mask_BT = self._tensors.mask(request.attention_mask, smashed_BTH.shape[:2])
        self._activations.check(session.stage, smashed_BTH.shape, training=not request.inference)
        if request.inference:
            return pb.ComputeReply(
                features=self._tensors.reply(session.infer(smashed_BTH, attention_mask_BT), request.smashed, Passage()),
                stopping=self.stopping,
            )
        self._run(request.key)
        at = position_value(request.key)
        self._probe_of(request.key.session_id).point("trunk.compute.received", at.step, at.microbatch)
        commit = commit_value(request.commit) if request.HasField("commit") else None
        features_BTH = session.forward(at, smashed_BTH, attention_mask_BT, commit)
        leaving = session.codec_states.passage(Slot(request.smashed.codec, "features", at.microbatch))
        features = self._tensors.reply(features_BTH, request.smashed, leaving)
        session.remember(at, arriving, leaving)
        reply = pb.ComputeReply(features=features, stopping=self.stopping)
        self._probe_of(request.key.session_id).point("trunk.compute.done", at.step, at.microbatch)
        return reply

    def backward(self, request: pb.BackwardRequest) -> pb.BackwardReply:
        """Run the backward pass of one microbatch."""
        session = self._run(request.key)
        at = position_value(request.key)
        self._probe_of(request.key.session_id).point("trunk.backward.received", at.step, at.microbatch)
        states, codec = session.codec_states, request.features_grad.codec
        arriving = states.passage(Slot(codec, "features_grad", at.microbatch))
        leaving = states.passage(Slot(codec, "smashed_grad", at.microbatch))
        result = session.backward(at, self._tensors.hidden("features_grad", request.features_grad, arriving))
        norms = [pb.ParameterNorm(name=name, norm=norm) for name, norm in result.norms.items()]
        smashed_grad = self._tensors.reply(result.smashed_grad_BTH, request.features_grad, leaving)
        session.remember(at, arriving, leaving)
        reply = pb.BackwardReply(smashed_grad=smashed_grad, norms=norms, stopping=self.stopping)
        self._probe_of(request.key.session_id).point("trunk.backward.done", at.step, at.microbatch)
        return reply

    def get_gradients(self, request: pb.GetGradientsRequest) -> Iterator[pb.Gradient]:
        """Return the accumulated gradients of the step in progress."""
        session = self._session(request.key)
        self._probe_of(request.key.session_id).point("trunk.gradients.received", request.key.step)
        gradients = session.gradients(request.names)
        if request.key.step != session.applied_step or not gradients:
            have = f"{session.applied_step} is in progress" if gradients else "none are accumulated"
            raise WireError(Reason.NO_GRADIENTS, f"no gradients of step {request.key.step}: {have}")
        for left, (name, gradient) in zip(reversed(range(len(gradients))), gradients.items(), strict=True):
            coded = encode_tensor(gradient, "raw", self._config.max_message_bytes)
            yield pb.Gradient(name=name, gradient=coded, left=left)
        self._probe_of(request.key.session_id).point("trunk.gradients.done", request.key.step)

    def sync_training_state(self, request: pb.SyncTrainingStateRequest) -> pb.SyncTrainingStateReply:
        """Commit, save, close, or just return the state."""
        if request.action not in pb.SyncTrainingStateRequest.Action.values():
            raise WireError(Reason.BAD_REQUEST, f"there is no action {request.action}")
        if request.action in CLOSING and request.key.session_id not in self._sessions:
            return pb.SyncTrainingStateReply()  # a repeated close
        session = self._session(request.key)
        self._probe_of(request.key.session_id).point("trunk.sync.received", request.key.step)
        if request.action == pb.SyncTrainingStateRequest.ACTION_COMMIT and not request.HasField("commit"):
            raise WireError(Reason.BAD_REQUEST, "there is no commit in a request to commit")
        if request.HasField("commit"):
            self._run(request.key)
            session.commit(commit_value(request.commit))
        saved = ""
        if request.action == pb.SyncTrainingStateRequest.ACTION_SAVE:
            self._run(request.key)
            saved = self._save(request.key, session)
        elif request.action in CLOSING:
            if request.action == pb.SyncTrainingStateRequest.ACTION_ABANDON:
                self._run(request.key)
                self._discard(request.key.session_id, session)
            # A client that a stopping trunk has asked to close reopens at the next trunk.
            if not self.stopping or request.action == pb.SyncTrainingStateRequest.ACTION_ABANDON:
                self._release(request.key.session_id)
            self._close(request.key.session_id)
        self._probe_of(request.key.session_id).point("trunk.sync.done", request.key.step)
        return pb.SyncTrainingStateReply(applied_step=session.applied_step, fingerprint=saved, stopping=self.stopping)

    def _open(self, name: str, opening: Opening, request: pb.OpenSessionRequest) -> Welcome:
        self._probe.point("trunk.session.opening", max(request.resume_steps, default=0), session=name)
        session = TrunkSession(self._load_stage(), self._config, self._probe_of(name), self._recorder)
        if request.resume_steps:
            self._resume(session, request)
        elif not request.reader:
            self._check_room(name)
        if request.reader:
            session = self._sessions.sharing(session)
        incarnation = self._sessions.new_incarnation()
        if not request.reader:
            self._holders.note(name, Holder(incarnation, opening.client))
        for surplus in self._sessions.surplus_readers(name) if request.reader else ():
            self._close(surplus)
        welcome = self._sessions.add(name, session, opening, incarnation, reader=request.reader)
        self._probe.point("trunk.session.opened", welcome.applied_step, session=name, incarnation=welcome.incarnation)
        return welcome

    def _silence(self, name: str) -> float | None:
        """Return the seconds for which a session's holder has been silent; None if nobody waits for it any more."""
        silent = self._sessions.silence(name)
        return 0.0 if silent is None and self.stopping else silent

    def _release(self, name: str) -> None:
        """Let anyone open a run whose client will not come back; failing to record that is harmless."""
        try:
            if name in self._sessions.runs:
                self._holders.release(name)
        except WireError as error:
            log.warning("%s; until --idle-timeout after this trunk's next start it counts as held", error.message)

    def _turn_away(self, name: str, *, reader: bool) -> None:
        """Raise `WireError` for any opening while the trunk is stopping.

        A session that a successor may take over is closed: its client is gone, so there is nothing left to wait for.
        """
        if not reader and name in self._sessions:
            self._close(name)
        raise WireError(Reason.TRANSPORT, "the trunk is about to end and opens no sessions", Code.UNAVAILABLE)

    def _close(self, name: str) -> None:
        self._probe.point("trunk.session.closing", session=name)
        self._sessions.close(name)
        self._probe.point("trunk.session.closed", session=name)

    def _probe_of(self, name: str) -> Probe:
        return ProbeWith(self._probe, session=name)

    def _session(self, key: pb.Key) -> TrunkSession:
        return self._sessions.get(key.session_id, key.incarnation)

    def _run(self, key: pb.Key) -> TrunkSession:
        """Return the session of a request that may change it."""
        session = self._sessions.get_run(key.session_id, key.incarnation)
        if self._config.mode != "training":
            raise WireError(Reason.WRONG_MODE, INFERS_ONLY)
        return session

    def _resume(self, session: TrunkSession, request: pb.OpenSessionRequest) -> None:
        """Restore the newest step that both sides have and that can be read here."""
        name = checked_name(request.resume_session_id or request.session_id)
        store = CheckpointStore(
            self._disk, self._config.save_dir, name, "trunk", self._probe_of(name), session.weights()
        )
        problems = []
        # A reader continues nothing.
        settings = self._shared if request.reader else self._resumed
        for step in sorted(set(store.steps()) & set(request.resume_steps), reverse=True):
            try:
                half = store.load(step, settings)
            except CheckpointError as error:
                problems.append(str(error))
                log.warning("%s", error)
                continue
            session.restore(half)
            own = request.resume_session_id in ("", request.session_id)
            session.checkpoints = (step,) if own else ()
            return
        here = ", ".join(map(str, store.steps())) or "none"
        there = ", ".join(map(str, request.resume_steps))
        reason = "; ".join([f"the trunk has steps {here}, the client has {there}", *problems])
        raise WireError(Reason.NO_CHECKPOINT, f"no checkpoint in common: {reason}")

    def _check_room(self, name: str) -> None:
        """Refuse a fresh run that could not set aside an earlier run's checkpoints, before it trains."""
        store = self._store(name)
        try:
            if store.steps():
                store.place_aside()
        except OSError as error:
            raise WireError(Reason.SAVE_FAILED, str(error)) from None

    def _save(self, key: pb.Key, session: TrunkSession) -> str:
        step = session.applied_step
        if key.step != step:
            reason = Reason.STEP_IN_FUTURE if key.step > step else Reason.STEP_IN_PAST
            raise WireError(reason, f"save of step {key.step}; the trunk has applied {step}")
        if session.saved and session.saved[0] == step:
            return session.saved[1]
        store = self._store(key.session_id)
        try:
            if not session.checkpoints:
                store.set_aside()
            kept = known_steps(session.checkpoints, step)
            mark = store.save(
                step,
                self._resumed,
                session.weights(),
                session.optimizer_state(),
                codec_states=session.codec_states.tensors(),
                keep=kept,
            )
        except OSError as error:
            raise WireError(Reason.SAVE_FAILED, f"the trunk could not write its checkpoint: {error}") from None
        session.checkpoints, session.saved = kept, (step, mark.weights)
        return mark.weights

    def _discard(self, name: str, session: TrunkSession) -> None:
        """Remove a run's checkpoints if its client has saved nothing."""
        try:
            self._store(name).discard(session.checkpoints)
        except OSError as error:
            raise WireError(
                Reason.SAVE_FAILED, f"the trunk could not remove its half of a checkpoint: {error}"
            ) from None
        log.warning("session %s: its client has saved nothing; what was saved of it here is removed", name)

    def _store(self, name: str) -> CheckpointStore:
        return CheckpointStore(self._disk, self._config.save_dir, name, "trunk", self._probe_of(name))


def _arriving(session: TrunkSession, request: pb.ComputeRequest) -> Passage:
    """Return the passage of the smashed data: the commit that rides with it is applied after all of it was checked."""
    if request.inference:
        return Passage()
    committing = request.commit.step if request.HasField("commit") and not request.commit.skip else None
    return session.codec_states.passage(Slot(request.smashed.codec, "smashed", request.key.microbatch), committing)
