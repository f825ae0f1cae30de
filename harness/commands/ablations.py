"""`harness ablations`: what fails without each safeguard of the protocol."""

import argparse
from functools import partial
from pathlib import Path

from harness.errors import UnusableError
from harness.output import add_json_flag, must_be_writable, people_read, write_json
from harness.trace.verdict import Verdict

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
  harness ablations --faults 50             # how far, and how fast, failures among many faults are shrunk
  harness ablations --schedules 300 --json reports/baselines/ablations.json --markdown docs/ablations.md

exit status: 0 PASS, 1 FAIL: the correct system broke an invariant, 2 wrong usage, 3 VOID: in so few schedules, nothing
failed without a safeguard that is needed, or something failed without one that is said not to be
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
    parser.add_argument(
        "--faults", type=int, default=0, metavar="N", help="in each schedule (default: three to six, as drawn)"
    )
    parser.add_argument("--jobs", type=int, default=0, help="processes (default: one a core)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the page of the documentation there")
    add_json_flag(parser, "verdict and rows")
    parser.set_defaults(run=run)


def run(flags: argparse.Namespace) -> int:
    """Run the schedules, print the table; return the verdict's exit status."""
    if min(flags.schedules, flags.jobs + 1, flags.seed + 1, flags.faults + 1) < 1:
        raise UnusableError("--schedules is 1 or more, --jobs, --seed and --faults are 0 or more")
    must_be_writable(flags.json, flags.markdown)
    from harness.processes.forked import import_ahead  # noqa: PLC0415 - --help must not wait for it

    import_ahead("harness.sim.ablating")
    from harness.commands.ablation_table import page, shrinking, table  # noqa: PLC0415 - --help must not wait for pydantic
    from harness.commands.recorded_ablations import record_ablations  # noqa: PLC0415 - nor for torch
    from harness.recording.measured import measured_text  # noqa: PLC0415 - as above
    from harness.report.wording import plural  # noqa: PLC0415 - as above

    say = partial(print, file=people_read(flags.json), flush=True)
    found = record_ablations(flags.names, flags.schedules, flags.seed, flags.jobs, flags.faults)
    write_json(flags.json, measured_text(found))
    if flags.markdown:
        flags.markdown.write_text(page(found))
    say(table(found))
    for row in found.rows:
        if row.refuted:
            say(f"{row.switched_off}: schedules fail without it, though it is said of it: {row.refuted}")
    if how := shrinking(found):
        say(how)
    say(f"at most {plural(found.schedules, 'schedule')} for each, in {found.seconds:.0f} s")
    say(f"verdict: {found.verdict}")
    return Verdict(found.verdict).exit_status
