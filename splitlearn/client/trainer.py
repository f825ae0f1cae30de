"""The training loop: steps, metrics, progress, checkpoints of both sides, and going back to one."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from splitlearn.agreement import agreement
from splitlearn.client.checkpoints import ClientCheckpoints
from splitlearn.client.divergence import DivergenceWatch
from splitlearn.client.leaving import has_place
from splitlearn.client.logbook import open_logbook
from splitlearn.client.metrics import MetricsSink
from splitlearn.client.refusals import explained
from splitlearn.client.saving import SaveSchedule
from splitlearn.client.step import TrainingStep
from splitlearn.client.stopping import StopAsked, StopRequest
from splitlearn.config import TrainingConfig
from splitlearn.data import TrainingData
from splitlearn.errors import CheckpointError, ConfigError
from splitlearn.models.family import ClientStage, ModelIdentity
from splitlearn.optimizer import LearningRate
from splitlearn.probe import Probe
from splitlearn.runtime import Runtime
from splitlearn.tensor_log import TensorLog
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.trunk_link import Hello, TrunkLink, Welcome

__all__ = ["Resume", "Trainer", "TrainingResult", "check_data_fits"]

log = logging.getLogger(__name__)

# Whether to continue from a checkpoint: never, if there is one, or always.
Resume = Literal["no", "auto", "must"]
# A session that is lost repeatedly without a step of progress will never recover.
MAX_FRUITLESS_OPENINGS = 5


@dataclass(frozen=True)
class TrainingResult:
    """How a run ended.

    Attributes:
        steps: total number applied.
        done: number of steps done by this process, perhaps some of them twice.
        skipped: how many of these were skipped because something was not finite.
        last_loss: of the last step, in nats; NaN if it was not finite or nothing was done.
        metrics: file with one JSON object per step.
        stopped: whether it was asked to stop before its end.
        saved: what can be resumed from, in words.
    """

    steps: int
    done: int
    skipped: int
    last_loss: float
    metrics: Path
    stopped: bool
    saved: str


def check_data_fits(config: TrainingConfig, identity: ModelIdentity, data: TrainingData) -> None:
    """Raise `ConfigError` or `DataError` for data that the model cannot take."""
    if config.max_length > identity.positions:
        raise ConfigError(f"max_length = {config.max_length}: the model has {identity.positions} positions")
    data.tokenizer.check_fits(identity.vocab_size)


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
        self._agreement = agreement(config, identity)
        self._checkpoints = ClientCheckpoints(
            config, identity, data, self._step.parameters, load_initial, probe, runtime
        )
        self._metrics = self._checkpoints.folder / "metrics.jsonl"
        self._saving = SaveSchedule(config, data.total_steps, runtime.clock)
        self._is_open = False
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
                self._open(self._steps_to_resume(resume), take_over=take_over or resume != "no")
                self._run_until_done()
            except StopAsked:
                stopped = True
                self._probe.point("client.training.stopping", self._applied)
                log.warning("calls to the trunk still fail; stopping without it")
            except Exception as error:  # whatever it is: nobody else would give the place at the trunk back
                self._leave(error)
                raise
        stopped = stopped or self._applied < self._data.total_steps
        if not stopped:
            self._probe.point("client.training.finished", self._applied)
            self._divergence.check_end(self.saved)
        skipped, loss = self._divergence.skipped, self._divergence.last_loss
        return TrainingResult(self._applied, self._done, skipped, loss, self._metrics, stopped, self.saved)

    def _steps_to_resume(self, resume: Resume) -> list[int]:
        steps = self._checkpoints.steps()
        if resume == "must" and not steps:
            raise CheckpointError(f"no checkpoint in {self._checkpoints.folder}; start without --resume")
        if resume == "no" and steps:
            where = f"{self._checkpoints.folder} has checkpoints of steps {steps}"
            raise CheckpointError(f"{where}; continue with --resume, or give a new --session")
        return self._checkpoints.sound_steps()

    def _open(self, steps: list[int], *, take_over: bool = False) -> Welcome:
        self._probe.point("client.session.opening", max(steps, default=0))
        welcome = self._open_and_claim(Hello(self._config.session, self._agreement, steps, take_over=take_over))
        if welcome.applied_step:
            self._checkpoints.restore(self._step, welcome.applied_step, welcome.fingerprint)
        self._applied = welcome.applied_step
        self._probe.point("client.session.opened", welcome.applied_step, incarnation=welcome.incarnation)
        return welcome

    def _open_and_claim(self, hello: Hello) -> Welcome:
        """Open the session, then claim its folder.

        If another client has claimed it in between, the trunk knows which of the two opened last, and tells the other
        that it was superseded.
        """
        former = self._checkpoints.claimed()
        welcome = self._trunk.open(hello)
        self._is_open = True
        for _ in range(MAX_FRUITLESS_OPENINGS):
            if self._checkpoints.claim(former):
                return welcome
            former = self._checkpoints.claimed()
            try:
                self._trunk.query()
            except WireError as error:
                if error.reason is not Reason.UNKNOWN_SESSION:
                    raise
                break  # the other client has closed it already
        raise WireError(Reason.STALE_INCARNATION, "another client has opened the session since")

    def _run_until_done(self) -> None:
        """Run to the end, however often the trunk loses the session, as long as there is progress."""
        furthest, fruitless = self._applied, 0
        while True:
            try:
                self._run()
                self._close()
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

    def _close(self) -> None:
        """Close the session at the trunk; checkpoints are safe whether or not the call arrives."""
        self._probe.point("client.session.closing", self._applied)
        try:
            self._trunk.close()
            self._is_open = False
        except WireError as error:
            if error.reason is not Reason.TRANSPORT:
                raise
            log.warning("everything is saved; the trunk could not be told that the session ends: %s", error.message)

    def _leave(self, error: Exception) -> None:
        """Give the place at the trunk back before this run ends with an error, unless the trunk is out of reach."""
        if self._is_open and has_place(error):
            self._probe.point("client.session.closing", self._applied)
            self._trunk.leave(saved=bool(self._checkpoints.steps()))

    def _recover(self) -> None:
        """Continue with a trunk that has lost the session."""
        lost_at = self._applied
        self._probe.point("client.session.lost", lost_at)
        self._open_again()
        log.warning("the trunk lost the session at step %d; both continue from step %d", lost_at, self._applied)

    def _open_again(self) -> None:
        """Go back to the newest common checkpoint, or to the beginning."""
        self._step = self._new_step()
        welcome = self._open(self._checkpoints.sound_steps())
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
                    self._save()
                if stopping or self._trunk.stopping:
                    break

    def _save(self) -> None:
        """Write the trunk's half, then ours, which completes the checkpoint."""
        if self._stop.received:
            self._probe.point("client.training.stopping", self._applied)
        self._probe.point("client.checkpoint.started", self._applied)
        state = self._trunk.save(self._applied, self._step.pending_commit)
        self._step.pending_commit = None
        if state.applied_step != self._applied:
            message = f"the trunk says that it saved step {state.applied_step} instead of {self._applied}"
            raise WireError(Reason.STEP_IN_FUTURE, message)
        self._checkpoints.save(self._step, self._applied, state.fingerprint)
        self._saving.note_saved()
