"""The training loop: steps, metrics, progress, and checkpoints of both sides."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn, TextIO

from tqdm import tqdm

from splitlearn.agreement import agreement
from splitlearn.checkpoint import CheckpointStore
from splitlearn.client.step import StepReport, TrainingStep
from splitlearn.config import TrainingConfig
from splitlearn.data import TrainingData
from splitlearn.errors import CheckpointError, ConfigError, TrunkUnavailableError
from splitlearn.models.family import ClientStage, ModelIdentity
from splitlearn.optimizer import LearningRate, load_moments, moments
from splitlearn.probe import Probe
from splitlearn.record import Recorder
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.link import Hello, TrunkLink

__all__ = ["TOKENIZER", "Trainer", "TrainingResult", "check_data_fits", "explained"]

# Settings of the client alone that a resumed run must share with the first one.
RESUMED_FIELDS = (
    "learning_rate", "use_scheduler", "scheduler_type", "warmup_steps", "max_grad_norm", "loss_type",
    "label_smoothing", "data_format", "max_length", "batch_size", "gradient_accumulation_steps",
    "codec",
)  # fmt: skip
TOKENIZER = "vocabulary of the tokenizer"


@dataclass(frozen=True)
class TrainingResult:
    """How a run ended: steps applied in all, the last step's loss in nats, and where the metrics are."""

    steps: int
    last_loss: float
    metrics: Path


def check_data_fits(config: TrainingConfig, identity: ModelIdentity, data: TrainingData) -> None:
    """Refuse data that the model cannot take; raises `ConfigError` or `DataError`."""
    if config.max_length > identity.positions:
        raise ConfigError(f"max_length = {config.max_length}: the model has {identity.positions} positions")
    data.check_token_ids(identity.vocab_size - 1)


class Trainer:
    """Trains from the first step, or from the newest checkpoint that both sides have, to the last."""

    def __init__(
        self,
        stage: ClientStage,
        identity: ModelIdentity,
        trunk: TrunkLink,
        data: TrainingData,
        config: TrainingConfig,
        probe: Probe,
        recorder: Recorder,
    ) -> None:
        check_data_fits(config, identity, data)
        learning_rate = LearningRate(config, data.total_steps)
        stage.to(config.device).train()
        self._step = TrainingStep(stage, identity, trunk, learning_rate, config, probe, recorder)
        self._wire_agreement = agreement(config, identity)
        self._agreement = self._wire_agreement | resumed_settings(config, data)
        self._store = CheckpointStore(config.save_dir, config.session, "client")
        self._trunk = trunk
        self._data = data
        self._config = config
        self._probe = probe

    def train(self, *, resume: bool) -> TrainingResult:
        """Open the session and run every step that is left.

        Raises:
            CheckpointError: nothing to resume from, or checkpoints that a fresh start would destroy.
            TrunkUnavailableError: the trunk refused the session, or did not answer within the client's patience.
        """
        with explained(self._config):
            first = self._open(resume=resume)
            result = self._run(first)
            self._trunk.close()
        self._probe.point("client.training.finished", result.steps)
        return result

    def _open(self, *, resume: bool) -> int:
        steps = self._store.steps()
        if resume and not steps:
            raise CheckpointError(f"no checkpoint in {self._store.folder}; start without --resume")
        if not resume and steps:
            where = f"{self._store.folder} has checkpoints of steps {steps}"
            raise CheckpointError(f"{where}; continue with --resume, or give a new --session")
        hello = Hello(self._config.session, self._wire_agreement, steps if resume else ())
        welcome = self._trunk.open(hello)
        if resume:
            self._restore(welcome.applied_step, welcome.fingerprint)
        self._probe.point("client.session.opened", welcome.applied_step, incarnation=welcome.incarnation)
        return welcome.applied_step

    def _restore(self, step: int, trunk_weights: str) -> None:
        mark, weights, saved_moments = self._store.load(step, self._agreement)
        if mark.trunk_weights != trunk_weights:
            raise CheckpointError(
                f"the trunk's checkpoint of step {step} is not the one made with {self._store.folder}; "
                "start the trunk with the --save-dir of that run"
            )
        parameters = self._step.parameters
        for name, parameter in parameters.items():
            parameter.data.copy_(weights[name])
        load_moments(self._step.optimizer, parameters, saved_moments)

    def _run(self, first: int) -> TrainingResult:
        self._store.folder.mkdir(parents=True, exist_ok=True)
        path = self._store.folder / "metrics.jsonl"
        loss, total = math.nan, self._data.total_steps
        with path.open("a", buffering=1) as metrics, self._progress(first, total) as progress:
            for step in range(first, total):
                report = self._step.run(step, self._data.step(step))
                _write_metrics(metrics, report)
                _show(progress, report, self._config.log_interval)
                loss = report.loss
                if self._is_save_due(step + 1, total):
                    self._save(step + 1)
        return TrainingResult(total, loss, path)

    def _is_save_due(self, applied: int, total: int) -> bool:
        interval = self._config.save_interval
        return applied == total or (interval > 0 and applied % interval == 0)

    def _save(self, applied: int) -> None:
        """Write the trunk's half, then ours, which makes the checkpoint whole."""
        state = self._trunk.save(self._step.pending_commit)
        self._step.pending_commit = None
        assert state.applied_step == applied, f"the trunk saved step {state.applied_step} instead of {applied}"
        weights = {name: parameter.detach() for name, parameter in self._step.parameters.items()}
        saved_moments = moments(self._step.optimizer, self._step.parameters)
        self._store.save(applied, self._agreement, weights, saved_moments, state.fingerprint)
        self._probe.point("client.checkpoint.saved", applied)

    @staticmethod
    def _progress(first: int, total: int) -> "tqdm[NoReturn]":
        return tqdm(initial=first, total=total, unit="step", dynamic_ncols=True)


def resumed_settings(config: TrainingConfig, data: TrainingData) -> dict[str, str]:
    """List what the rest of a run depends on beside what the trunk must share."""
    settings = {name: str(getattr(config, name)) for name in RESUMED_FIELDS}
    settings |= {"tokens of the data": data.fingerprint(), TOKENIZER: data.tokenizer.fingerprint()}
    falls = config.use_scheduler and config.scheduler_type != "constant"
    # A schedule that falls to its end cannot be continued with another end.
    return settings | ({"steps in all": str(data.total_steps)} if falls else {})


@contextmanager
def explained(config: TrainingConfig) -> Iterator[None]:
    """Turn the wire's refusals into messages for the user."""
    try:
        yield
    except WireError as error:
        if error.reason is Reason.TRANSPORT:
            advice = "is `splitlearn trunk` running there, and is --trunk-address right?"
        elif error.reason is Reason.UNKNOWN_SESSION:
            advice = "the trunk was restarted; continue with --resume"
        else:
            advice = "mend this, then start again, with --resume where checkpoints were made"
        raise TrunkUnavailableError(f"trunk at {config.trunk_address}: {error.message} ({advice})") from error


def _write_metrics(file: TextIO, report: StepReport) -> None:
    values = asdict(report)
    plain = {name: None if isinstance(v, float) and not math.isfinite(v) else v for name, v in values.items()}
    file.write(json.dumps(plain) + "\n")


def _show(progress: "tqdm[NoReturn]", report: StepReport, interval: int) -> None:
    progress.update()
    if report.step % interval == 0 or report.step + 1 == progress.total:
        progress.set_postfix(
            loss=f"{report.loss:.4f}", lr=f"{report.learning_rate:.2e}", tok_s=f"{report.tokens / report.seconds:,.0f}"
        )
