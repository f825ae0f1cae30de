"""`splitlearn split`: a checkpoint cut in three."""

import argparse
import sys
from pathlib import Path

from splitlearn.config import add_config_flags, config_from_flags
from splitlearn.models import FAMILY

__all__ = ["add_flags", "run"]


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the parts")
    add_config_flags(parser)


def run(flags: argparse.Namespace) -> int:
    """Write the parts of `--model`, cut at `--cuts`."""
    config = config_from_flags(flags)
    FAMILY.split(config, flags.out)
    sys.stdout.write(f"{flags.out}: bottom, trunk and top of {config.model}, cut at {config.cuts}\n")
    return 0
