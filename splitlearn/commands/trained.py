"""Opening a model for reading: the client's stage and a link to a trunk with the same weights."""

import argparse
from dataclasses import dataclass

from splitlearn.agreement import agreement
from splitlearn.checkpoint import CheckpointStore
from splitlearn.client.trainer import explained
from splitlearn.commands.connect import connect
from splitlearn.config import TrainingConfig
from splitlearn.errors import CheckpointError
from splitlearn.models import FAMILY
from splitlearn.models.family import ClientStage, ModelIdentity
from splitlearn.probe import NullProbe
from splitlearn.record import NullRecorder
from splitlearn.wire.link import Hello, TrunkLink

__all__ = ["TrainedModel", "add_trained_flags", "open_trained"]


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


def open_trained(config: TrainingConfig, *, initial: bool) -> TrainedModel:
    """Load the client's half of the newest common checkpoint and have the trunk load the other."""
    stage, identity = FAMILY.load_client(config)
    shared = agreement(config, identity)
    trunk = connect(config, identity, NullProbe(), NullRecorder())
    store = CheckpointStore(config.save_dir, config.session, "client")
    steps = [] if initial else store.steps()
    if not initial and not steps:
        raise CheckpointError(f"no checkpoint in {store.folder}; train first, or use --initial")
    with explained(config):
        # A session of its own, so that one that trains is not taken over.
        welcome = trunk.open(Hello(f"{config.session}.reader", shared, steps, config.session))
    if not initial:
        _, weights, _ = store.load(welcome.applied_step, shared)
        for name, parameter in stage.named_parameters():
            parameter.data.copy_(weights[name])
    return TrainedModel(stage.to(config.device), identity, trunk, welcome.applied_step)
