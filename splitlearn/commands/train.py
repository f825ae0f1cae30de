"""`splitlearn train`: the client."""

import argparse
import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from splitlearn.client.metrics import MetricsSink, Spared, table, tensorboard
from splitlearn.client.profile import ClientProfile
from splitlearn.client.stopping import StopRequest
from splitlearn.client.trainer import Trainer
from splitlearn.commands.connect import connected
from splitlearn.commands.initial import add_init_flag, config_from_init
from splitlearn.commands.observers import add_observer_flags, observers
from splitlearn.complaints import complain
from splitlearn.config import add_config_flags
from splitlearn.data import load_training_data
from splitlearn.determinism import make_deterministic
from splitlearn.errors import SIGNALLED, ConfigError
from splitlearn.models import FAMILY
from splitlearn.models.sources import with_hub_tokenizer
from splitlearn.runtime import real_runtime

__all__ = ["add_flags", "run"]


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
    parser.add_argument(
        "--take-over", action="store_true", help="start afresh though another client has the session, and end that one"
    )
    parser.add_argument("--metrics-csv", type=Path, metavar="FILE", help="write the metrics of every step there, too")
    parser.add_argument("--tensorboard", type=Path, metavar="DIR", help="write curves for TensorBoard there")
    parser.add_argument("--profile", action="store_true", help="print at the end where the time of the steps went")
    add_init_flag(parser)
    add_observer_flags(parser)
    add_config_flags(parser)


def run(flags: argparse.Namespace) -> int:
    """Train to the last step, or until a signal; then return 128 + the signal's number."""
    config = with_hub_tokenizer(config_from_init(flags))
    if config.mode != "training":
        raise ConfigError(f"mode = {config.mode!r}: `splitlearn train` needs training; use `splitlearn eval` to infer")
    make_deterministic(config)
    data = load_training_data(config)
    stage, identity = FAMILY.load_client(config)
    probe, tensor_log = observers(flags, "client")
    runtime = real_runtime()
    stop = StopRequest(runtime.clock)
    profiles = [ClientProfile()] if flags.profile else []
    saved = "nothing was trained"
    try:
        with (
            stop.listening(),
            metrics_sinks(flags) as sinks,
            connected(config, identity, probe, tensor_log, runtime, stop.raise_if_asked) as trunk,
        ):
            trainer = Trainer(
                stage,
                lambda: FAMILY.load_client(config)[0],
                identity,
                trunk,
                data,
                config,
                probe,
                tensor_log,
                runtime,
                stop,
                [*sinks, *profiles],
            )
            try:
                result = trainer.train(resume=flags.resume, take_over=flags.take_over)
            finally:
                saved = trainer.saved
                sys.stdout.writelines(profile.table() for profile in profiles)
    except KeyboardInterrupt:
        return _stopped(stop, f"at once; {saved}")
    if result.stopped:
        return _stopped(stop, f"after {result.steps} steps; {result.saved}")
    skipped = f", {result.skipped} of them skipped as not finite" if result.skipped else ""
    loss = f"last loss {result.last_loss:.4f}" if result.done else "nothing was left to do"
    sys.stdout.write(f"{result.steps} steps{skipped}, {loss}; metrics in {result.metrics}\n")
    return 0


@contextmanager
def metrics_sinks(flags: argparse.Namespace) -> Iterator[list[MetricsSink]]:
    """Open the further outputs for metrics that the flags ask for."""
    with ExitStack() as stack:
        opened: list[MetricsSink] = []
        if flags.metrics_csv:
            opened.append(Spared(stack.enter_context(table(flags.metrics_csv)), str(flags.metrics_csv)))
        if flags.tensorboard:
            opened.append(Spared(stack.enter_context(tensorboard(flags.tensorboard)), str(flags.tensorboard)))
        yield opened


def _stopped(stop: StopRequest, what: str) -> int:
    assert stop.received is not None
    complain(
        f"stopped by {stop.received.name} {what}; continue with `splitlearn train … --resume auto` and the same "
        "settings",
        logging.WARNING,
    )
    return SIGNALLED + stop.received
