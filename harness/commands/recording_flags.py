"""Flags of the commands that run scenarios: where recordings, report and verdicts go."""

import argparse
from pathlib import Path

from harness.output import add_json_flag

__all__ = ["RUNS", "add_recording_flags"]

RUNS = Path("reports/runs")


def add_recording_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--runs`, `--report`, `--junit` and `--json`."""
    parser.add_argument(
        "--runs", type=Path, default=RUNS, metavar="DIR", help="folder of run folders (default: %(default)s)"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the HTML report there")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write the verdicts there as JUnit XML")
    add_json_flag(parser, "verdict and figures")
