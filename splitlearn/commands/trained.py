"""Opening a model for reading: the client's stage and a link to a trunk with the same weights."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from splitlearn.agreement import agreement
from splitlearn.checkpoint import CheckpointStore
from splitlearn.client.checkpoints import TOKENIZER
from splitlearn.client.refusals import explained
from splitlearn.commands.connect import connected
from splitlearn.config import TrainingConfig
from splitlearn.data import Tokenizer
from splitlearn.errors import CheckpointError
from splitlearn.models import FAMILY
from splitlearn.models.family import ClientStage, ModelIdentity
from splitlearn.probe import NullProbe
from splitlearn.record import NullRecorder
from splitlearn.wire.link import Hello, TrunkLink

__all__ = ["TrainedModel", "add_trained_flags", "trained_model"]


@dataclass(frozen=True)
class TrainedModel:
    """A model whose middle is elsewhere; `step` optimizer steps have been applied to it."""

    stage: ClientStage
    identity: ModelIdentity
    trunk: TrunkLink
    step: int


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
        tokenizer: must be the one that the checkpoint was trained with.
        check: refuses what the model cannot take, before a session is opened.
        initial: take the model's initial weights instead.

    Yields:
        The model, in a session of its own, so that one that trains is not taken over; it ends with the block.
    """
    stage, identity = FAMILY.load_client(config)
    check(identity)
    shared = agreement(config, identity)
    store = CheckpointStore(config.save_dir, config.session, "client")
    expected = shared | {TOKENIZER: tokenizer.fingerprint()}
    steps = [] if initial else store.sound_steps(expected)
    if not initial and not steps:
        raise CheckpointError(f"no checkpoint in {store.folder}; train first, or use --initial")
    with connected(config, identity, NullProbe(), NullRecorder()) as trunk, explained(config):
        welcome = trunk.open(Hello(f"{config.session}.reader", shared, steps, config.session, reader=True))
        if not initial:
            mark, weights, _ = store.load(welcome.applied_step, expected)
            if mark.trunk_weights != welcome.fingerprint:
                raise CheckpointError(
                    f"the trunk's checkpoint of step {mark.step} is not the one made with {store.folder}"
                )
            for name, parameter in stage.named_parameters():
                parameter.data.copy_(weights[name])
        yield TrainedModel(stage.to(config.device), identity, trunk, welcome.applied_step)
        trunk.close()
