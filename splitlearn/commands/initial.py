"""`--init-from`: a new run that starts from the weights of another one."""

import argparse
from pathlib import Path

from splitlearn.config import TrainingConfig, config_from_flags, given_settings
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
    """Build the config from flags and, if an export is named, its settings; flags override.

    Raises:
        ConfigError: a setting is wrong, names weights other than the export's, or, unless it is a flag, other cuts.
    """
    if not flags.init_from:
        return config_from_flags(flags)
    given = given_settings(flags)
    exported = settings_of_export(flags.init_from)
    config = given.over(exported)
    if Path(config.model).resolve() != flags.init_from.resolve():
        raise ConfigError(
            f"init_from = {flags.init_from}: model = {config.model} names other weights; leave model out of --config, "
            "the environment and the flags, or leave out --init-from"
        )
    if flags.config_cuts is None and str(config.cuts) != exported["cuts"]:
        place = given.variables.get("cuts", flags.config)
        raise ConfigError(
            f"init_from = {flags.init_from}: it was cut at {exported['cuts']}, and {place} says cuts = "
            f"{config.cuts}; leave it out there, or say --cuts {config.cuts}"
        )
    return config
