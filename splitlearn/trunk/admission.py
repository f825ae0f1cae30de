"""Opens and closes sessions: which clients are admitted, at which step they start, and which are given up."""

import logging
from collections.abc import Callable

from splitlearn.agreement import agreement, first_difference, shared_settings, trunk_settings
from splitlearn.codecs import CODECS
from splitlearn.config import TrainingConfig
from splitlearn.models.family import ModelIdentity, TrunkStage
from splitlearn.probe import Probe, ProbeWith
from splitlearn.runtime import Disk
from splitlearn.tensor_log import TensorLog
from splitlearn.trunk.checkpoints import TrunkCheckpoints
from splitlearn.trunk.holders import Holder, Holders
from splitlearn.trunk.session import TrunkSession
from splitlearn.trunk.sessions import OpenSession, Sessions, checked_name
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.messages import opening_value
from splitlearn.wire.trunk_link import Opening, Welcome

__all__ = ["INFERS_ONLY", "Admission"]

log = logging.getLogger(__name__)

INFERS_ONLY = "this trunk runs with --mode inference; it takes no training requests"
# A client keeps two; one that was killed while saving, three.
MOST_RESUME_STEPS = 64


class Admission:
    """Decides which sessions are open.

    Args:
        config: the trunk's settings.
        identity: the model of which the trunk holds a part.
        load_stage: loads a fresh stage with the initial weights; each session trains its own.
        sessions: the open ones.
        probe: receives a point for every session that is opened or closed.
        tensor_log: receives every gradient.
        disk: holds checkpoints and the holders of sessions.

    Attributes:
        stopping: whether the trunk is about to end, so that it opens no session any more. May be set by another thread.
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
    ) -> None:
        self._config = config
        self._agreement = agreement(config, identity)
        self._shared = shared_settings(config, identity)
        self._resumed = trunk_settings(config, identity)
        self._load_stage = load_stage
        self._sessions = sessions
        self._probe = probe
        self._tensor_log = tensor_log
        self._disk = disk
        self._holders = Holders(config.save_dir, disk)
        self.stopping = False

    def open(self, request: pb.OpenSessionRequest) -> Welcome:
        """Open a session, or answer a repeated request as before; raises `WireError`."""
        difference = first_difference(self._agreement, dict(request.agreement))
        if difference:
            raise WireError(Reason.MISMATCH, f"{difference}; start both sides with the same settings")
        if request.codec not in CODECS:
            known = f"the trunk knows {', '.join(CODECS)}"
            raise WireError(Reason.UNKNOWN_CODEC, f"codec is {request.codec!r} at the client; {known}")
        if len(request.resume_steps) > MOST_RESUME_STEPS:
            message = f"{len(request.resume_steps)} resume_steps; allowed are {MOST_RESUME_STEPS}"
            raise WireError(Reason.BAD_REQUEST, message)
        if self._config.mode != "training" and not request.reader:
            raise WireError(Reason.WRONG_MODE, INFERS_ONLY)
        name, opening = checked_name(request.session_id), opening_value(request)
        welcome = self._sessions.answered(name, opening)
        if welcome is not None:
            return welcome
        if not request.reader:
            self._holders.check(name, request.replaces, self._silence(name))
        if self.stopping:
            self._turn_away(name, reader=request.reader)
        self._sessions.make_room(name, replaces=request.replaces, reader=request.reader)
        return self._open(name, opening, request)

    def release(self, name: str) -> None:
        """Let anyone open a session whose client will not come back; failing to record that is harmless."""
        try:
            if name in self._sessions.training_sessions:
                self._holders.release(name)
        except WireError as error:
            log.warning("%s; until --idle-timeout after this trunk's next start it counts as held", error.message)

    def close(self, name: str) -> None:
        """Drop a session."""
        self._probe.point("trunk.session.closing", session=name)
        self._sessions.close(name)
        self._probe.point("trunk.session.closed", session=name)

    def close_idle(self) -> None:
        """Give up the sessions whose clients are gone."""
        for held in self._sessions.idle():
            if held.reader:
                log.info("session %s: its reader has not been heard of; its place is given up", held.name)
                self.close(held.name)
                continue
            log.warning(
                "session %s: its client has not been heard of; its place is given up. Checkpoints here: %s. "
                "The client continues from the newest of them by itself, or with --resume",
                held.name,
                ", ".join(map(str, held.checkpoints.steps())) or "none",
            )
            self.release(held.name)
            self.close(held.name)

    def _open(self, name: str, opening: Opening, request: pb.OpenSessionRequest) -> Welcome:
        self._probe.point("trunk.session.opening", max(request.resume_steps, default=0), session=name)
        probe = ProbeWith(self._probe, session=name)
        session, checkpoints = self._start(name, request, probe)
        if request.reader:
            session = self._sessions.sharing(session)
        incarnation = self._sessions.new_incarnation()
        if not request.reader:
            self._holders.note(name, Holder(incarnation, opening.client))
        for surplus in self._sessions.surplus_readers(name) if request.reader else ():
            self.close(surplus)
        welcome = Welcome(incarnation, session.applied_step, session.fingerprint())
        self._sessions.add(OpenSession(name, session, checkpoints, probe, opening, welcome, request.reader))
        self._probe.point("trunk.session.opened", welcome.applied_step, session=name, incarnation=welcome.incarnation)
        return welcome

    def _start(self, name: str, request: pb.OpenSessionRequest, probe: Probe) -> tuple[TrunkSession, TrunkCheckpoints]:
        """Return a session at the step that it starts from, and its checkpoints."""
        session = TrunkSession(self._load_stage(), self._config, probe, self._tensor_log)
        # A reader continues nothing.
        settings = self._shared if request.reader else self._resumed
        checkpoints = TrunkCheckpoints(self._disk, self._config.save_dir, name, settings, probe)
        if request.resume_steps:
            checkpoints.resume(session, request.resume_steps, checked_name(request.resume_session_id or name))
        elif not request.reader:
            checkpoints.check_room()
        return session, checkpoints

    def _silence(self, name: str) -> float | None:
        """Return the seconds for which a session's holder has been silent; None if nobody waits for it any more."""
        silent = self._sessions.silence(name)
        return 0.0 if silent is None and self.stopping else silent

    def _turn_away(self, name: str, *, reader: bool) -> None:
        """Raise `WireError` for any opening while the trunk is stopping.

        A session that a successor may take over is closed: its client is gone, so there is nothing left to wait for.
        """
        if not reader and name in self._sessions:
            self.close(name)
        raise WireError(Reason.TRANSPORT, "the trunk is about to end and opens no sessions", Code.UNAVAILABLE)
