"""`splitlearn train`: the client."""

import argparse
import sys

from splitlearn.client.trainer import Trainer
from splitlearn.commands.connect import connected
from splitlearn.commands.observers import add_observer_flags, observers
from splitlearn.config import add_config_flags, config_from_flags
from splitlearn.data import load_training_data
from splitlearn.determinism import make_deterministic
from splitlearn.errors import ConfigError
from splitlearn.models import FAMILY

__all__ = ["add_flags", "run"]


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument(
        "--resume", action="store_true", help="continue from the newest checkpoint that both sides have"
    )
    add_observer_flags(parser)
    add_config_flags(parser)


def run(flags: argparse.Namespace) -> int:
    """Train to the last step."""
    config = config_from_flags(flags)
    if config.mode != "training":
        raise ConfigError(f"mode = {config.mode!r}: `splitlearn train` needs training; use `splitlearn eval` to infer")
    make_deterministic(config)
    data = load_training_data(config)
    stage, identity = FAMILY.load_client(config)
    probe, recorder = observers(flags, "client")
    with connected(config, identity, probe, recorder) as trunk:
        result = Trainer(stage, identity, trunk, data, config, probe, recorder).train(resume=flags.resume)
    sys.stdout.write(f"{result.steps} steps, last loss {result.last_loss:.4f}; metrics in {result.metrics}\n")
    return 0
