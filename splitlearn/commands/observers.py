"""Flags for observing a running process."""

import argparse
from pathlib import Path

from splitlearn.probe import Probe, open_probe
from splitlearn.tensor_log import TensorLog, open_tensor_log

__all__ = ["add_observer_flags", "observers"]


def add_observer_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--probe`, `--party`, `--record` and `--record-steps`."""
    group = parser.add_argument_group("observation", "for tests; each costs nothing when it is not given")
    group.add_argument(
        "--probe", type=Path, metavar="SOCKET", help="Unix socket of an observer that is told every point"
    )
    group.add_argument(
        "--party", default="", metavar="NAME", help="who this is to the observer, where it hears several of one role"
    )
    group.add_argument(
        "--record", type=Path, metavar="DIR", help="write a digest of every gradient and cut tensor there"
    )
    group.add_argument(
        "--record-steps", type=int, nargs="*", default=[], metavar="STEP", help="steps whose tensors are recorded whole"
    )


def observers(flags: argparse.Namespace, source: str) -> tuple[Probe, TensorLog]:
    """Open the probe and the tensor log that the flags ask for."""
    return open_probe(flags.probe, source, flags.party), open_tensor_log(flags.record, flags.record_steps)
