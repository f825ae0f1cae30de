"""`splitlearn export`: joins trained parts into one checkpoint."""

import argparse
import sys
from pathlib import Path

import torch

from splitlearn.agreement import shared_settings
from splitlearn.checkpoint import CheckpointStore
from splitlearn.client.checkpoints import TOKENIZER
from splitlearn.commands.output import add_out_flags, check_out, copy_tokenizer
from splitlearn.commands.trained import trained_config
from splitlearn.config import TrainingConfig, add_config_flags
from splitlearn.data import Tokenizer, load_tokenizer
from splitlearn.described import describe_export
from splitlearn.errors import CheckpointError
from splitlearn.models import FAMILY
from splitlearn.runtime import real_runtime

__all__ = ["add_flags", "run"]


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    add_out_flags(parser, "folder for the model")
    parser.add_argument(
        "--trunk-save-dir", type=Path, metavar="DIR", help="where the trunk's checkpoints are (default: --save-dir)"
    )
    parser.add_argument(
        "--initial", action="store_true", help="join the untrained parts of --model instead of a session's checkpoint"
    )
    add_config_flags(parser)


def run(flags: argparse.Namespace) -> int:
    """Write a folder that Hugging Face loads: weights, configuration and tokenizer."""
    check_out(flags)
    config = trained_config(flags)
    if flags.initial:
        weights = initial_weights(config)
        FAMILY.export(config, weights, flags.out)
        copy_tokenizer(config, flags.out)
    else:
        tokenizer = load_tokenizer(config)
        weights = trained_weights(config, tokenizer, flags.trunk_save_dir)
        FAMILY.export(config, weights, flags.out)
        tokenizer.save(flags.out)
        describe_export(flags.out, config)
    sys.stdout.write(f"{flags.out}: {len(weights)} parameters\n")
    return 0


def initial_weights(config: TrainingConfig) -> dict[str, torch.Tensor]:
    """Load all of the model's initial parameters."""
    client, _ = FAMILY.load_client(config)
    trunk, _ = FAMILY.load_trunk(config)
    return {**dict(client.named_parameters()), **dict(trunk.named_parameters())}


def trained_weights(
    config: TrainingConfig, tokenizer: Tokenizer, trunk_save_dir: Path | None
) -> dict[str, torch.Tensor]:
    """Load both halves of the session's newest common checkpoint; raises `CheckpointError`."""
    _, identity = FAMILY.load_client(config)
    shared = shared_settings(config, identity)
    disk = real_runtime().disk
    client = CheckpointStore(disk, config.save_dir, config.session, "client")
    trunk = CheckpointStore(disk, trunk_save_dir or config.save_dir, config.session, "trunk")
    common = sorted(set(client.steps()) & set(trunk.steps()))
    if not common:
        raise CheckpointError(
            f"no step in common: {client.folder} has {client.steps()}, {trunk.folder} has {trunk.steps()}; copy the "
            "trunk's checkpoints here and name their folder with --trunk-save-dir"
        )
    half = client.load(common[-1], shared | {TOKENIZER: tokenizer.fingerprint()})
    other = trunk.load(common[-1], shared)
    if half.mark.trunk_weights != other.mark.weights:
        raise CheckpointError(f"{client.folder} and {trunk.folder} are halves of different runs")
    return {**half.weights, **other.weights}
