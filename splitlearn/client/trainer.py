"""The training loop: steps, metrics, progress, checkpoints of both sides, and going back to one."""

import logging
from collections.abc import Callable, Sequence
from functools import partial

from splitlearn.agreement import agreement
from splitlearn.client.checkpoints import ClientCheckpoints, Resume
from splitlearn.client.divergence import DivergenceWatch
from splitlearn.client.fitting import check_data_fits
from splitlearn.client.logbook import Logbook, open_logbook
from splitlearn.client.metrics import MetricsSink
from splitlearn.client.refusals import explained
from splitlearn.client.report import TrainingResult
from splitlearn.client.saving import SaveSchedule
from splitlearn.client.session import ClientSession
from splitlearn.client.step import TrainingStep
from splitlearn.client.stopping import StopAsked, StopRequest
from splitlearn.config import TrainingConfig
from splitlearn.data import TrainingData
from splitlearn.models.family import ClientStage, ModelIdentity
from splitlearn.optimizer import LearningRate
from splitlearn.probe import Probe
from splitlearn.runtime import Runtime
from splitlearn.tensor_log import TensorLog
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.trunk_link import TrunkLink, Welcome

__all__ = ["Trainer"]

log = logging.getLogger(__name__)

# A session that is lost repeatedly without a step of progress will never recover.
MAX_FRUITLESS_OPENINGS = 5


class Trainer:
    """Trains from the first step, or from the newest common checkpoint, to the last.

    If the trunk restarted and lost the session, both go back to that checkpoint. If the trunk announces that it is
    about to stop, the client waits for its return after both have saved.

    Args:
        stage: the client's part of the model, with its initial weights.
        load_initial: loads such a part again, for going back to the beginning.
        identity: of the model.
        trunk: the other party.
        data: to train on.
        config: settings of the run.
        probe: receives every point.
        tensor_log: receives every tensor.
        runtime: clock, entropy, disk and locks of this machine.
        stop: checked after every step.
        sinks: receive every step, besides the file of metrics.
    """

    def __init__(
        self,
        stage: ClientStage,
        load_initial: Callable[[], ClientStage],
        identity: ModelIdentity,
        trunk: TrunkLink,
        data: TrainingData,
        config: TrainingConfig,
        probe: Probe,
        tensor_log: TensorLog,
        runtime: Runtime,
        stop: StopRequest,
        sinks: Sequence[MetricsSink] = (),
    ) -> None:
        check_data_fits(config, identity, data)
        learning_rate = LearningRate(config, data.total_steps)
        stage.to(config.device).train()
        self._new_step = partial(
            TrainingStep, stage, identity, trunk, learning_rate, config, probe, tensor_log, runtime.clock
        )
        self._step = self._new_step()
        self._checkpoints = ClientCheckpoints(
            config, identity, data, self._step.parameters, load_initial, probe, runtime
        )
        self._session = ClientSession(config.session, agreement(config, identity), trunk, self._checkpoints, probe)
        self._metrics = self._checkpoints.folder / "metrics.jsonl"
        self._saving = SaveSchedule(config, data.total_steps, runtime.clock)
        self._applied = 0
        self._done = 0
        self._divergence = DivergenceWatch(config.max_skipped)
        self._trunk = trunk
        self._data = data
        self._config = config
        self._probe = probe
        self._runtime = runtime
        self._stop = stop
        self._sinks = sinks

    @property
    def saved(self) -> str:
        """What can be resumed from, in words."""
        return self._checkpoints.newest()

    def train(self, *, resume: Resume = "no", take_over: bool = False) -> TrainingResult:
        """Open the session and run every remaining step, or until asked to stop.

        Args:
            resume: whether to continue from a checkpoint; if so, the session is taken over from its holder.
            take_over: take it over even for a fresh start.

        Raises:
            DivergedError: too many steps in a row were skipped, or the last loss is not finite.
            CheckpointError: nothing to resume from, checkpoints that a fresh start would destroy, or a full disk.
            TrunkUnavailableError: the trunk refused the session, or did not answer within the retry timeout.
        """
        stopped = False
        with explained(self._config, self._checkpoints.newest):
            try:
                self._open(partial(self._checkpoints.steps_to_resume, resume), take_over=take_over or resume != "no")
                self._run_until_done()
            except StopAsked:
                stopped = True
                self._probe.point("client.training.stopping", self._applied)
                log.warning("calls to the trunk still fail; stopping without it")
            except Exception as error:  # whatever it is: nobody else would give the place at the trunk back
                self._session.leave(self._applied, error)
                raise
        stopped = stopped or self._applied < self._data.total_steps
        if not stopped:
            self._probe.point("client.training.finished", self._applied)
            self._divergence.check_end(self.saved)
        skipped, loss = self._divergence.skipped, self._divergence.last_loss
        return TrainingResult(self._applied, self._done, skipped, loss, self._metrics, stopped, self.saved)

    def _open(self, offered: Callable[[], list[int]], *, take_over: bool = False) -> Welcome:
        welcome = self._session.open(offered, take_over=take_over)
        if welcome.applied_step:
            self._checkpoints.restore(self._step, welcome.applied_step, welcome.fingerprint)
        self._applied = welcome.applied_step
        self._probe.point("client.session.opened", welcome.applied_step, incarnation=welcome.incarnation)
        return welcome

    def _run_until_done(self) -> None:
        """Run to the end, however often the trunk loses the session, as long as there is progress."""
        furthest, fruitless = self._applied, 0
        while True:
            try:
                self._run()
                self._session.close(self._applied)
            except WireError as error:
                fruitless = 0 if self._applied > furthest else fruitless + 1
                furthest = max(furthest, self._applied)
                if error.reason is not Reason.UNKNOWN_SESSION or fruitless == MAX_FRUITLESS_OPENINGS:
                    raise
                self._recover()
            else:
                # If asked to stop, it has saved already.
                if self._applied == self._data.total_steps or self._stop.received:
                    return
                log.warning("the trunk stops; step %d is saved, and both continue when it is back", self._applied)
                self._open_again()

    def _recover(self) -> None:
        """Continue with a trunk that has lost the session."""
        lost_at = self._applied
        self._probe.point("client.session.lost", lost_at)
        self._open_again()
        log.warning("the trunk lost the session at step %d; both continue from step %d", lost_at, self._applied)

    def _open_again(self) -> None:
        """Go back to the newest common checkpoint, or to the beginning."""
        self._step = self._new_step()
        welcome = self._open(self._checkpoints.sound_steps)
        if not welcome.applied_step:
            self._checkpoints.restore(self._step, 0, welcome.fingerprint)

    def _run(self) -> None:
        """Run every remaining step, or until this side or the trunk is asked to stop, and save."""
        total = self._data.total_steps
        with open_logbook(
            self._runtime.disk, self._metrics, self._applied, total, self._config.log_interval
        ) as logbook:
            while self._applied < total:
                step = self._applied
                report = self._step.run(step, self._data.step(step))
                self._applied, self._done = step + 1, self._done + 1
                self._divergence.note(report)
                logbook.enter(report, self._divergence.skipped)
                for sink in self._sinks:
                    sink.enter(report)
                self._divergence.check(self.saved)
                # Checked once: a later signal applies to the next step.
                stopping = self._stop.received is not None
                if stopping or self._trunk.stopping or self._saving.is_due(self._applied):
                    self._save(logbook)
                if stopping or self._trunk.stopping:
                    break

    def _save(self, logbook: Logbook) -> None:
        """Write the trunk's half, then ours, which completes the checkpoint."""
        if self._stop.received:
            self._probe.point("client.training.stopping", self._applied)
        self._probe.point("client.checkpoint.started", self._applied)
        state = self._trunk.save(self._applied, self._step.pending_commit)
        self._step.pending_commit = None
        if state.applied_step != self._applied:
            message = f"the trunk says that it saved step {state.applied_step} instead of {self._applied}"
            raise WireError(Reason.STEP_IN_FUTURE, message)
        logbook.sync()
        self._checkpoints.save(self._step, self._applied, state.fingerprint)
        self._saving.note_saved()
