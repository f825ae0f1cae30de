"""`splitlearn train`: the client."""

import argparse
import math
import sys

from splitlearn.client.stopping import StopRequest
from splitlearn.client.trainer import Trainer
from splitlearn.commands.connect import connected
from splitlearn.commands.observers import add_observer_flags, observers
from splitlearn.config import add_config_flags, config_from_flags
from splitlearn.data import load_training_data
from splitlearn.determinism import make_deterministic
from splitlearn.errors import ConfigError
from splitlearn.models import FAMILY

__all__ = ["add_flags", "run"]

SIGNALLED = 128  # as shells count a program that a signal ended


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument(
        "--resume",
        nargs="?",
        const="must",
        default="no",
        choices=("must", "auto"),
        help="continue from the newest checkpoint that both sides have; `--resume auto` starts where there is none yet",
    )
    add_observer_flags(parser)
    add_config_flags(parser)


def run(flags: argparse.Namespace) -> int:
    """Train to the last step, or to the one after which a signal came; then the status is 128 + its number."""
    config = config_from_flags(flags)
    if config.mode != "training":
        raise ConfigError(f"mode = {config.mode!r}: `splitlearn train` needs training; use `splitlearn eval` to infer")
    make_deterministic(config)
    data = load_training_data(config)
    stage, identity = FAMILY.load_client(config)
    probe, recorder = observers(flags, "client")
    stop = StopRequest()
    with stop.listening(), connected(config, identity, probe, recorder, stop.raise_if_asked) as trunk:
        trainer = Trainer(
            stage, lambda: FAMILY.load_client(config)[0], identity, trunk, data, config, probe, recorder, stop
        )
        try:
            result = trainer.train(resume=flags.resume)
        except KeyboardInterrupt:
            return _stopped(stop, f"at once; {trainer.saved}")
    if result.stopped:
        return _stopped(stop, f"after {result.steps} steps; {result.saved}")
    loss = "nothing was left to do" if math.isnan(result.last_loss) else f"last loss {result.last_loss:.4f}"
    sys.stdout.write(f"{result.steps} steps, {loss}; metrics in {result.metrics}\n")
    return 0


def _stopped(stop: StopRequest, what: str) -> int:
    assert stop.received is not None
    sys.stderr.write(
        f"stopped by {stop.received.name} {what}; continue with `splitlearn train … --resume auto` and the same "
        "settings\n"
    )
    return SIGNALLED + stop.received
