"""`--init-from`: a new run that starts from the weights of another one."""

import argparse
from pathlib import Path

from splitlearn.config import TrainingConfig, config_from_flags
from splitlearn.described import settings_of_export
from splitlearn.errors import ConfigError

__all__ = ["add_init_flag", "config_from_init"]


def add_init_flag(parser: argparse.ArgumentParser) -> None:
    """Add `--init-from`."""
    parser.add_argument(
        "--init-from",
        type=Path,
        metavar="DIR",
        help="start a new run from a folder that `splitlearn export` wrote: its weights, tokenizer and settings, which "
        "flags override; the optimizer is fresh and steps count from 0",
    )


def config_from_init(flags: argparse.Namespace) -> TrainingConfig:
    """Build the config from flags over the settings of an export, where one is named.

    Raises:
        ConfigError: a setting is wrong, or another one names other weights or, in a file, other cuts than the export.
    """
    if not flags.init_from:
        return config_from_flags(flags)
    exported = settings_of_export(flags.init_from)
    config = config_from_flags(flags, exported)
    if Path(config.model).resolve() != flags.init_from.resolve():
        raise ConfigError(
            f"init_from = {flags.init_from}: model = {config.model} names other weights; leave model out of --config "
            "and the flags, or leave out --init-from"
        )
    if flags.config_cuts is None and str(config.cuts) != exported["cuts"]:
        raise ConfigError(
            f"init_from = {flags.init_from}: it was cut at {exported['cuts']}, and {flags.config} says cuts = "
            f"{config.cuts}; leave cuts out of that file, or say --cuts {config.cuts}"
        )
    return config
