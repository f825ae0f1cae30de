"""`harness bench`: how long things take, each beside something that does the same work."""

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.bench.registry import BENCHMARKS, benchmarks_named
from harness.commands.recording_flags import RUNS
from harness.output import add_json_flag, must_be_writable, people_read, write_json
from harness.trace.verdict import Verdict

if TYPE_CHECKING:
    from harness.recording.schema import MeasurementRecord

__all__ = ["add_parser"]

DESCRIPTION = """\
Time two ways of doing the same work, A and B, in turn, so that whatever else the machine does is in both alike. The
result is the ratio B / A: the median of the pairs' ratios, with an interval that holds the true one in 95 of 100 cases.

{benchmarks}
"""
EPILOG = """\
examples:
  harness bench
  harness bench codecs checkpoint --quick
  harness bench --json reports/baselines/bench.json

Scenarios that run in the same folder of runs wait meanwhile. Compare two files by `harness compare OLD NEW`.

exit status: 0 PASS: everything was measured, 2 wrong usage, 3 VOID: something was not measured
"""
HEAD = f"{'measurement':22} {'A':>10} {'B':>10}  {'B / A':>6}  {'95 %':15} B against A"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    width = max(map(len, BENCHMARKS))
    listed = "\n".join(f"  {each.name:{width}}  {each.what}" for each in BENCHMARKS.values())
    parser = subparsers.add_parser(
        "bench",
        help="how long things take, each beside something that does the same work",
        description=DESCRIPTION.format(benchmarks=listed),
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks (default: all)")
    parser.add_argument("--quick", action="store_true", help="few and short samples, for trying out")
    parser.add_argument(
        "--proxy", choices=("auto", "real", "embedded"), default="auto", help="which proxy server to use"
    )
    parser.add_argument(
        "--runs", type=Path, default=RUNS, metavar="DIR", help="folder whose runs wait (default: %(default)s)"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write an HTML report there")
    add_json_flag(parser, "verdict, samples and ratios")
    parser.set_defaults(run=run)


def run(flags: argparse.Namespace) -> int:
    """Measure, print a line for each measurement; return the verdict's exit status."""
    benchmarks = benchmarks_named(flags.names)
    must_be_writable(flags.json, flags.report)
    from harness.bench.running import run_benchmarks  # noqa: PLC0415 - needs torch, for which --help must not wait
    from harness.bench.workbench import open_workbench  # noqa: PLC0415 - as above
    from harness.proxy.server_process import find_backend  # noqa: PLC0415 - as above
    from harness.recording.measured import measured_text  # noqa: PLC0415 - as above

    say = partial(print, file=people_read(flags.json), flush=True)
    backend = find_backend(flags.proxy)

    def waiting(why: str) -> None:
        say(f"harness bench {why}")

    say(HEAD)
    with open_workbench(flags.runs, backend, quick=flags.quick, on_wait=waiting) as workbench:
        found = run_benchmarks(
            benchmarks,
            workbench,
            on_measurement=lambda measurement: say(_line(measurement)),
            on_end=lambda found: write_json(flags.json, measured_text(found)),
        )
    if flags.report:
        from harness.report.benchmarks import write_benchmarks  # noqa: PLC0415 - drawing is slow to import

        say(f"report: {write_benchmarks(found, flags.report)}")
    for name, why in found.missing.items():
        say(f"{name}: not measured: {why}")
    say(f"verdict: {found.verdict}")
    return Verdict(found.verdict).exit_status


def _line(measurement: "MeasurementRecord") -> str:
    from harness.report.wording import duration  # noqa: PLC0415 - see run

    ratio = measurement.ratio
    return (
        f"{measurement.name:22} {duration(measurement.typical_a):>10} {duration(measurement.typical_b):>10}  "
        f"{ratio.value:6.3f}  {f'{ratio.low:.3f} to {ratio.high:.3f}':15} {measurement.b_is} against {measurement.a_is}"
    )
