"""`splitlearn export`: trained parts joined into one checkpoint."""

import argparse
import sys
from pathlib import Path

import torch

from splitlearn.agreement import agreement
from splitlearn.checkpoint import CheckpointStore
from splitlearn.config import TrainingConfig, add_config_flags, config_from_flags
from splitlearn.errors import CheckpointError
from splitlearn.models import FAMILY

__all__ = ["add_flags", "run"]


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the checkpoint")
    parser.add_argument(
        "--trunk-save-dir", type=Path, metavar="DIR", help="where the trunk's checkpoints are (default: --save-dir)"
    )
    parser.add_argument(
        "--initial", action="store_true", help="join the untrained parts of --model instead of a session's checkpoint"
    )
    add_config_flags(parser)


def run(flags: argparse.Namespace) -> int:
    """Write a folder that `GPT2LMHeadModel.from_pretrained` loads."""
    config = config_from_flags(flags)
    weights = initial_weights(config) if flags.initial else trained_weights(config, flags.trunk_save_dir)
    FAMILY.export(config, weights, flags.out)
    sys.stdout.write(f"{flags.out}: {len(weights)} parameters\n")
    return 0


def initial_weights(config: TrainingConfig) -> dict[str, torch.Tensor]:
    """Load all of the model's parameters as they are before training."""
    client, _ = FAMILY.load_client(config)
    trunk, _ = FAMILY.load_trunk(config)
    return {**dict(client.named_parameters()), **dict(trunk.named_parameters())}


def trained_weights(config: TrainingConfig, trunk_save_dir: Path | None) -> dict[str, torch.Tensor]:
    """Load both halves of the session's newest common checkpoint; raises `CheckpointError`."""
    _, identity = FAMILY.load_client(config)
    shared = agreement(config, identity)
    client = CheckpointStore(config.save_dir, config.session, "client")
    trunk = CheckpointStore(trunk_save_dir or config.save_dir, config.session, "trunk")
    common = sorted(set(client.steps()) & set(trunk.steps()))
    if not common:
        raise CheckpointError(
            f"no step in common: {client.folder} has {client.steps()}, {trunk.folder} has {trunk.steps()}; copy the "
            "trunk's checkpoints here and name their folder with --trunk-save-dir"
        )
    mark, weights, _ = client.load(common[-1], shared)
    other, trunk_weights, _ = trunk.load(common[-1], shared)
    if mark.trunk_weights != other.weights:
        raise CheckpointError(f"{client.folder} and {trunk.folder} are halves of different runs")
    return {**weights, **trunk_weights}
