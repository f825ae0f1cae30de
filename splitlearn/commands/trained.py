"""Opening a model for reading: the client's stage and a trunk link to the same weights."""

import argparse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from splitlearn.agreement import agreement, shared_settings
from splitlearn.checkpoint import CheckpointStore
from splitlearn.client.checkpoints import TOKENIZER
from splitlearn.client.leaving import has_place
from splitlearn.client.refusals import explained
from splitlearn.commands.connect import connected
from splitlearn.config import TrainingConfig, given_settings
from splitlearn.data import Tokenizer
from splitlearn.described import settings_of_run
from splitlearn.errors import CheckpointError
from splitlearn.models import FAMILY
from splitlearn.models.family import ClientStage, ModelIdentity
from splitlearn.models.sources import with_hub_tokenizer
from splitlearn.probe import NullProbe
from splitlearn.runtime import real_runtime
from splitlearn.tensor_log import NullTensorLog
from splitlearn.wire.trunk_link import Hello, TrunkLink, Welcome

__all__ = ["TrainedModel", "add_trained_flags", "trained_config", "trained_model"]


@dataclass(frozen=True)
class TrainedModel:
    """A model whose trunk is elsewhere; `step` optimizer steps have been applied to it."""

    stage: ClientStage
    identity: ModelIdentity
    trunk: TrunkLink
    step: int


def trained_config(flags: argparse.Namespace) -> TrainingConfig:
    """Return the settings kept with the run's checkpoints, overridden by flags; with `--initial`, the flags alone."""
    given = given_settings(flags)
    config = given.over({})
    if flags.initial:
        return with_hub_tokenizer(config)
    saved = settings_of_run(CheckpointStore(real_runtime().disk, config.save_dir, config.session, "client").folder)
    # Where the checkpoints are now, not where they were written.
    here = {"save_dir": config.save_dir, "session": config.session}
    return with_hub_tokenizer(given.over(saved | here))


def add_trained_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--initial`."""
    parser.add_argument(
        "--initial", action="store_true", help="use the model's initial weights, not the session's newest checkpoint"
    )


@contextmanager
def trained_model(
    config: TrainingConfig, tokenizer: Tokenizer, check: Callable[[ModelIdentity], None], *, initial: bool
) -> Iterator[TrainedModel]:
    """Load the client's half of the newest common checkpoint and have the trunk load the other.

    Args:
        config: names model, session and trunk.
        tokenizer: must be the checkpoint's own.
        check: called before a session is opened, to refuse input that the model cannot take.
        initial: use the model's initial weights instead.

    Yields:
        The model, in a session of its own, so that it takes over no training; it ends with the `with` block.
    """
    stage, identity = FAMILY.load_client(config)
    check(identity)
    runtime = real_runtime()
    store = CheckpointStore(runtime.disk, config.save_dir, config.session, "client")
    expected = shared_settings(config, identity) | {TOKENIZER: tokenizer.fingerprint()}
    steps = [] if initial else store.sound_steps(expected)
    if not initial and not steps:
        raise CheckpointError(f"no checkpoint in {store.folder}; train first, or use --initial")
    with connected(config, identity, NullProbe(), NullTensorLog(), runtime) as trunk, explained(config):
        # A unique name, so that readers do not end each other.
        name = f"{config.session}.reader-{runtime.entropy.bits(32):08x}"
        welcome = trunk.open(Hello(name, agreement(config, identity), steps, config.session, reader=True))
        try:
            if not initial:
                take_half(stage, store, welcome, expected)
            yield TrainedModel(stage.to(config.device), identity, trunk, welcome.applied_step)
        except BaseException as error:  # on Ctrl-C too: nobody else would give the place back
            if has_place(error):
                trunk.leave(saved=True)
            raise
        trunk.close()


def take_half(stage: ClientStage, store: CheckpointStore, welcome: Welcome, expected: Mapping[str, str]) -> None:
    """Load the client's half of the checkpoint that the trunk has opened; raises `CheckpointError`."""
    half = store.load(welcome.applied_step, expected)
    if half.mark.trunk_weights != welcome.fingerprint:
        raise CheckpointError(
            f"the trunk's checkpoint of step {half.mark.step} is not the one made with {store.folder}; start the trunk "
            "with the --save-dir of that run"
        )
    for name, parameter in stage.named_parameters():
        parameter.data.copy_(half.weights[name])
