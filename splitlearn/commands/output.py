"""`--out`: a folder that a command fills and does not overwrite silently."""

import argparse
from pathlib import Path

from splitlearn.config import TrainingConfig
from splitlearn.data import load_tokenizer, tokenizer_name
from splitlearn.errors import ConfigError

__all__ = ["add_out_flags", "check_out", "copy_tokenizer"]


def add_out_flags(parser: argparse.ArgumentParser, text: str) -> None:
    """Add `--out` and `--overwrite`."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help=text)
    parser.add_argument("--overwrite", action="store_true", help="write into --out though it holds something")


def check_out(flags: argparse.Namespace) -> None:
    """Raise `ConfigError` if the folder is not empty."""
    if not flags.overwrite and flags.out.is_dir() and any(flags.out.iterdir()):
        raise ConfigError(f"out = {flags.out}: the folder holds something; choose another one, or add --overwrite")


def copy_tokenizer(config: TrainingConfig, folder: Path) -> None:
    """Write a model's tokenizer, if it has one, beside its weights; raises `DataError`."""
    if tokenizer_name(config):
        load_tokenizer(config).save(folder)
