"""`harness compare`: what has changed between two files of benchmarks."""

import argparse
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UnusableError
from harness.output import add_json_flag, must_be_writable, people_read, write_json
from harness.trace.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.bench.change import Change
    from harness.recording.schema import BenchRecord

__all__ = ["add_parser"]

DESCRIPTION = """\
Compare two files that `harness bench --json` has written. Of each measurement that both have, the ratio B / A is
compared: it is "regressed" if it has become larger beyond the threshold, "improved" if smaller, and "within noise"
otherwise. The change must be beyond the threshold with the whole interval that holds it in 95 of 100 cases. What
befalls A as well, such as a slower machine, is no change.
"""
EPILOG = """\
examples:
  harness compare reports/baselines/bench.json new.json
  harness compare old.json new.json --threshold 0.02

exit status: 0 PASS: nothing has regressed, 1 FAIL: something has, 2 a file that cannot be read, 3 VOID: the files have
no measurement in common
"""
THRESHOLD = 0.05


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "compare",
        help="what has changed between two files of benchmarks",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("old", type=Path, metavar="OLD", help="the baseline")
    parser.add_argument("new", type=Path, metavar="NEW", help="is compared with it")
    parser.add_argument(
        "--threshold",
        type=_fraction,
        default=THRESHOLD,
        metavar="T",
        help="relative change that does not count (default: %(default)s)",
    )
    add_json_flag(parser, "verdict and changes")
    parser.set_defaults(run=run)


def run(flags: argparse.Namespace) -> int:
    """Compare and print a line for each measurement; return the verdict's exit status."""
    must_be_writable(flags.json)
    from harness.bench.change import changes_between  # noqa: PLC0415 - needs numpy, for which --help must not wait
    from harness.recording.writer import json_text  # noqa: PLC0415 - as above

    old, new = _read(flags.old), _read(flags.new)
    changes = changes_between(old, new, flags.threshold)
    verdict, left_out = _verdict_of(changes), _not_compared(old, new, changes)
    say = partial(print, file=people_read(flags.json), flush=True)
    for change in changes:
        factor = change.factor
        say(
            f"{change.word:12}  {change.name:22} x {factor.value:.3f} ({factor.low:.3f} to {factor.high:.3f}): "
            f"B / A was {change.old.value:.3f} and is {change.new.value:.3f}"
        )
    for name in left_out:
        say(f"not compared  {name}: the files have no such measurement of the same two ways in common")
    for remark in _remarks(old, new):
        say(remark)
    say(f"verdict: {verdict.value}")
    told = {"threshold": flags.threshold, "changes": list(map(asdict, changes)), "not_compared": left_out}
    write_json(flags.json, json_text({"verdict": verdict.value, **told}))
    return verdict.exit_status


def _fraction(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1, such as 0.05")
    return value


def _read(file: Path) -> "BenchRecord":
    from harness.recording.measured import read_record  # noqa: PLC0415 - see run
    from harness.recording.schema import BenchRecord  # noqa: PLC0415 - see run

    found = read_record(file, BenchRecord)
    if found is None:
        raise UnusableError(f"there is no file {file}; `harness bench --json {file}` makes it")
    return found


def _verdict_of(changes: "Sequence[Change]") -> Verdict:
    if not changes:
        return Verdict.VOID
    return Verdict.FAIL if any(change.word == "regressed" for change in changes) else Verdict.PASS


def _not_compared(old: "BenchRecord", new: "BenchRecord", changes: "Sequence[Change]") -> list[str]:
    compared = {change.name for change in changes}
    names = dict.fromkeys(each.name for each in (*old.measurements, *new.measurements))
    return [name for name in names if name not in compared]


def _remarks(old: "BenchRecord", new: "BenchRecord") -> list[str]:
    """Return what may make the two differ besides the code."""
    remarks = []
    if old.environment.machine != new.environment.machine:
        remarks.append("the files are from different machines, on which ratios may differ as well")
    if old.environment.versions != new.environment.versions:
        remarks.append("the files are from different versions of Python or the libraries")
    if old.quick or new.quick:
        remarks.append("a file is of a quick run, whose few samples show large changes only")
    return remarks
