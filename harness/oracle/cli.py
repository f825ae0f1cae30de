"""The reference as a separate program, with threads and generators of its own."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["main"]

UNUSABLE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Train the reference for a configuration; exit status 0 when it is written, 2 if its settings are unusable."""
    parser = argparse.ArgumentParser(prog="python -m harness.oracle", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="JSON file of a TrainingConfig")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--record-steps", type=int, nargs="*", default=[], help="steps whose tensors are kept whole")
    flags = parser.parse_args(arguments)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    from harness.errors import HarnessError  # noqa: PLC0415 - after the library's verbosity is set
    from harness.oracle.reference import train_reference  # noqa: PLC0415 - as above
    from splitlearn.config import TrainingConfig  # noqa: PLC0415 - as above
    from splitlearn.errors import UserError  # noqa: PLC0415 - as above

    try:
        train_reference(TrainingConfig.load(flags.config), flags.out, flags.record_steps)
    except (UserError, HarnessError) as error:
        sys.stderr.write(f"{error}\n")
        return UNUSABLE
    return 0
