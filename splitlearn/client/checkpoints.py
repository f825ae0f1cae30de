"""The client's half of a checkpoint, and the training state in it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal

import torch

from splitlearn.agreement import shared_settings
from splitlearn.checkpoint import CheckpointStore, known_steps
from splitlearn.client.claim import Claim
from splitlearn.client.description import describe_run
from splitlearn.client.step import TrainingStep
from splitlearn.config import Scope, TrainingConfig, names_of
from splitlearn.data import TrainingData
from splitlearn.errors import CheckpointError, DataError
from splitlearn.models.family import ClientStage, ModelIdentity
from splitlearn.optimizer import load_optimizer_state, optimizer_state
from splitlearn.probe import Probe
from splitlearn.runtime import Runtime

__all__ = ["TOKENIZER", "ClientCheckpoints", "Resume", "resumed_settings"]

# Whether to continue from a checkpoint: never, if there is one, or always.
Resume = Literal["no", "auto", "must"]
# Settings of the client alone that a resumed run must share with the original.
OWN = (Scope.KEPT, Scope.MACHINES, Scope.MACHINE)
TOKENIZER = "vocabulary of the tokenizer"


class ClientCheckpoints:
    """Writes and reads the client's halves; each names the trunk's by digest.

    Args:
        config: names folder and session.
        identity: of the model.
        data: the training data.
        parameters: the client's, by name.
        initial_stage: returns a stage with the run's initial weights.
        probe: receives a point for every file.
        runtime: disk and locks of this machine, and entropy for a name.
    """

    def __init__(
        self,
        config: TrainingConfig,
        identity: ModelIdentity,
        data: TrainingData,
        parameters: Mapping[str, torch.Tensor],
        initial_stage: Callable[[], ClientStage],
        probe: Probe,
        runtime: Runtime,
    ) -> None:
        self._store = CheckpointStore(runtime.disk, config.save_dir, config.session, "client", probe, parameters)
        self._claim = Claim(self._store.folder, runtime)
        # Steps of which this run has a checkpoint: the one that is certainly complete, and the newest.
        self._known: tuple[int, ...] = ()
        self._agreement = shared_settings(config, identity) | resumed_settings(config, data)
        self._initial_stage = initial_stage
        self._describe = partial(describe_run, runtime.disk, self._store.folder, config, data.tokenizer)
        self._described = False
        self.folder = self._store.folder

    def newest(self) -> str:
        """Return what was saved, in words, for messages."""
        steps = self._store.steps()
        return f"the newest checkpoint is of step {steps[0]}, in {self.folder}" if steps else "nothing was saved"

    def steps(self) -> list[int]:
        """List the steps that have a file, newest first."""
        return self._store.steps()

    def sound_steps(self) -> list[int]:
        """List the steps that can be resumed from, newest first; raises `CheckpointError`."""
        return self._store.sound_steps(self._agreement)

    def steps_to_resume(self, resume: Resume) -> list[int]:
        """List the steps that a run may start from; raises `CheckpointError` where that is not what was asked for."""
        steps = self.steps()
        if resume == "must" and not steps:
            raise CheckpointError(f"no checkpoint in {self.folder}; start without --resume")
        if resume == "no" and steps:
            where = f"{self.folder} has checkpoints of steps {steps}"
            raise CheckpointError(f"{where}; continue with --resume, or give a new --session")
        return self.sound_steps()

    def claimed(self) -> str:
        """Return the current claim."""
        return self._claim.current()

    def claim(self, former: str) -> bool:
        """Become the client that writes here; the previous one is refused from now on.

        Args:
            former: the claim from before this client opened the session.

        Returns:
            Whether it succeeded; it fails if another client has made its own claim meanwhile.

        Raises:
            CheckpointError: it cannot be written.
        """
        try:
            return self._claim.make(former)
        except OSError as error:
            raise CheckpointError(
                f"{self.folder} cannot be written: {error}; {self.newest()}. Make room, then continue with --resume "
                "auto"
            ) from None

    def restore(self, training: TrainingStep, step: int, trunk_weights: str) -> None:
        """Restore the state after `step` steps, or the initial state for 0; gradients of an abandoned step are dropped.

        Raises:
            CheckpointError: the file is damaged, has other settings, or does not match the trunk's half.
            OSError: a superfluous older one cannot be removed.
        """
        if not step:
            weights: Mapping[str, torch.Tensor] = dict(self._initial_stage().named_parameters())
            codec_states: Mapping[str, torch.Tensor] = {}
        else:
            half = self._store.load(step, self._agreement)
            if half.mark.trunk_weights != trunk_weights:
                raise CheckpointError(
                    f"the trunk's checkpoint of step {step} is not the one made with {self.folder}; "
                    "start the trunk with the --save-dir of that run"
                )
            load_optimizer_state(training.optimizer, training.parameters, half.optimizer_state)
            weights, codec_states = half.weights, half.codec_states
            self._tidy(step)
        self._known = (step,) if step else ()
        for name, parameter in training.parameters.items():
            parameter.data.copy_(weights[name])
            parameter.grad = None
        training.codec_states.load(codec_states)

    def save(self, training: TrainingStep, step: int, trunk_weights: str) -> None:
        """Write the half that completes the checkpoint; raises `CheckpointError` if it cannot be written."""
        weights = {name: parameter.detach() for name, parameter in training.parameters.items()}
        saved_state = optimizer_state(training.optimizer, training.parameters)
        kept = known_steps(self._known, step)
        try:
            with self._claim.held():
                if not self._described:
                    self._describe()
                    self._described = True
                self._store.save(
                    step,
                    self._agreement,
                    weights,
                    saved_state,
                    trunk_weights,
                    codec_states=training.codec_states.tensors(),
                    keep=kept,
                )
            self._known = kept
        except (OSError, DataError) as error:
            raise CheckpointError(
                f"the checkpoint of step {step} could not be written: {error}; {self.newest()}. Make room, then "
                "continue with --resume auto"
            ) from None

    def _tidy(self, step: int) -> None:
        """Keep what a checkpoint at `step` would keep; the run may have ended there and not save again."""
        with self._claim.held():
            self._store.discard_before(step)


def resumed_settings(config: TrainingConfig, data: TrainingData) -> dict[str, str]:
    """Return the settings that a resumed run depends on besides those that the trunk shares."""
    settings = {name: str(getattr(config, name)) for name in names_of(*OWN)}
    settings |= {"tokens of the data": data.fingerprint(), TOKENIZER: data.tokenizer.fingerprint()}
    falls = config.use_scheduler and config.scheduler_type != "constant"
    # A decaying schedule cannot be continued with a different end.
    return settings | ({"steps in all": str(data.total_steps)} if falls else {})
