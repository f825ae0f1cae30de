"""`harness ablations`: what fails without each safeguard of the protocol."""

import argparse
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UnusableError
from harness.output import add_json_flag, must_be_writable, people_read, write_json
from harness.trace.verdict import Verdict

if TYPE_CHECKING:
    from harness.sim.ablating import Row

__all__ = ["add_parser"]

DESCRIPTION = """\
Switch the safeguards of the protocol off, one after the other, and run the same schedules of faults without each in the
simulated world. A safeguard without which nothing ever fails is either not needed or not exercised, and the table says
which. The first row is the correct system, in which nothing may fail.
"""
EPILOG = """\
examples:
  harness ablations
  harness ablations fencing two-halves --schedules 1000
  harness ablations --schedules 300 --markdown docs/ablations.md

exit status: 0 PASS, 1 FAIL: the correct system broke an invariant, 2 wrong usage, 3 VOID: in so few schedules, nothing
failed without a safeguard that is needed
"""
SCHEDULES = 50


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "ablations",
        help="what fails without each safeguard of the protocol",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="safeguards (default: all)")
    parser.add_argument(
        "--schedules",
        type=int,
        default=SCHEDULES,
        metavar="N",
        help="for each safeguard at most (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the first schedule (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=0, help="processes (default: one a core)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the page of the documentation there")
    add_json_flag(parser, "verdict and rows")
    parser.set_defaults(run=run)


def run(flags: argparse.Namespace) -> int:
    """Run the schedules, print the table; return the verdict's exit status."""
    if min(flags.schedules, flags.jobs + 1, flags.seed + 1) < 1:
        raise UnusableError("--schedules is 1 or more, --jobs and --seed are 0 or more")
    must_be_writable(flags.json, flags.markdown)
    from harness.commands.ablation_table import page, table  # noqa: PLC0415 - need torch, for which --help must not wait
    from harness.recording.writer import json_text  # noqa: PLC0415 - as above

    say = partial(print, file=people_read(flags.json), flush=True)
    started = time.monotonic()
    rows = _rows(flags)
    verdict = _verdict(rows)
    if flags.markdown:
        flags.markdown.write_text(page(rows))
    say(table(rows))
    say(f"at most {flags.schedules:,} schedules for each, in {time.monotonic() - started:.0f} s")
    say(f"verdict: {verdict.value}")
    write_json(flags.json, json_text({"verdict": verdict.value, "rows": list(map(_json_of, rows))}))
    return verdict.exit_status


def _rows(flags: argparse.Namespace) -> "list[Row]":
    from tqdm import tqdm  # noqa: PLC0415 - as above

    from harness.sim.ablating import ablate  # noqa: PLC0415 - as above
    from harness.sim.ablations import ABLATIONS  # noqa: PLC0415 - as above

    unknown = [name for name in flags.names if name not in ABLATIONS]
    if unknown:
        raise UnusableError(f"there is no safeguard {unknown[0]!r}; there are {', '.join(ABLATIONS)}")
    names = flags.names or list(ABLATIONS)
    with tqdm(total=1 + len(names), unit=" safeguards", dynamic_ncols=True, disable=None) as bar:
        return ablate(names, flags.schedules, flags.seed, jobs=flags.jobs, on_row=bar.update)


def _verdict(rows: "Sequence[Row]") -> Verdict:
    correct, *others = rows
    if correct.failures:
        return Verdict.FAIL
    return Verdict.PASS if all(row.is_explained for row in others) else Verdict.VOID


def _json_of(row: "Row") -> dict[str, Any]:
    first = row.failures[0] if row.failures else None
    return {
        "switched_off": row.name,
        "schedules": row.schedules,
        "failed": len(row.failures),
        "per_10_000": row.per_10_000,
        "first_seed": first.seed if first else None,
        "first_message": first.message if first else None,
        "invariants": dict(row.invariants),
        "faults_when_shrunk": row.faults,
        "runs_to_shrink": row.runs,
    }
