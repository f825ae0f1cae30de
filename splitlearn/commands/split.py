"""`splitlearn split`: cuts a checkpoint in three."""

import argparse
import sys

from splitlearn.commands.output import add_out_flags, check_out, copy_tokenizer
from splitlearn.config import add_config_flags, config_from_flags
from splitlearn.models import FAMILY

__all__ = ["add_flags", "run"]


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    add_out_flags(parser, "folder for the parts")
    add_config_flags(parser)


def run(flags: argparse.Namespace) -> int:
    """Write the parts of `--model`, cut at `--cuts`."""
    check_out(flags)
    config = config_from_flags(flags)
    FAMILY.split(config, flags.out)
    copy_tokenizer(config, flags.out)
    sys.stdout.write(f"{flags.out}: bottom, trunk and top of {config.model}, cut at {config.cuts}\n")
    return 0
