"""The command `harness report`."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.output import add_json_flag, people_read, write_json

if TYPE_CHECKING:
    from harness.recording.reader import RunFolder

__all__ = ["add_parser"]

RUNS = Path("reports/runs")
DEFAULT_OUT = Path("reports/report.html")
EXIT_STATUS = {"PASS": 0, "FAIL": 1, "VOID": 3}
UNUSABLE = 2
# Of several runs, so many are named in a message.
SHOWN = 5

DESCRIPTION = """\
Write recorded runs as one self-contained HTML page. Below them it shows what was measured of the harness itself: the
bugs that were planted (harness mutants) and the safeguards that were switched off (harness ablations); and what was
timed (harness bench). Their figures are those in reports/baselines.
"""
EPILOG = """\
examples:
  harness report                          the newest run
  harness report reports/runs/NAME        one run
  harness report reports/runs             all runs below a folder, with a table of verdicts
  harness report NAME --trace run.json    one run, and its trace for https://ui.perfetto.dev

exit status: 0 every verdict is PASS, 1 some run is FAIL, 3 some run is VOID and none FAIL, 2 there is no usable run
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `report`; its parsed arguments carry a `run` that returns the exit status."""
    parser = subparsers.add_parser(
        "report",
        help="write recorded runs as an HTML page",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "runs",
        nargs="*",
        metavar="RUN",
        type=Path,
        help=f"a run's folder, its name under {RUNS}, or a folder of runs (default: the newest run under {RUNS})",
    )
    parser.add_argument(
        "--out", type=Path, default=DEFAULT_OUT, metavar="FILE", help="the page to write (default: %(default)s)"
    )
    parser.add_argument(
        "--trace",
        type=Path,
        metavar="FILE",
        help="also write the trace of one run there, in the trace event format, which ui.perfetto.dev opens",
    )
    add_json_flag(parser, "verdicts and counts")
    parser.set_defaults(run=_report)


def _report(arguments: argparse.Namespace) -> int:
    # Drawing and templates are slow to import; the help of other commands must not wait for them.
    from harness.recording.measured import read_measured  # noqa: PLC0415 - as said above
    from harness.recording.reader import RunFolderError, read_run  # noqa: PLC0415
    from harness.report.page import write_page  # noqa: PLC0415
    from harness.report.reading import worst_verdict  # noqa: PLC0415
    from harness.report.run_trace import write_trace  # noqa: PLC0415

    try:
        chosen = _chosen(arguments.runs)
        if arguments.trace and len(chosen) > 1:
            raise RunFolderError(_ambiguous(chosen))
        runs = [read_run(folder) for folder in chosen]
        written = [write_trace(runs[0], arguments.trace)] if arguments.trace else []
        page = write_page(runs, arguments.out, read_measured())
        worst = worst_verdict(runs)
        summary = {"verdict": worst, "report": str(page), "runs": [_summary(run) for run in runs]}
        if arguments.trace:
            summary["trace"] = str(arguments.trace)
        write_json(arguments.json, json.dumps(summary, indent=2) + "\n")
    except (RunFolderError, OSError) as error:
        print(f"harness report: {error}", file=sys.stderr)
        return UNUSABLE
    print("  ".join(map(str, [worst, page, *written])), file=people_read(arguments.json))
    return EXIT_STATUS[worst]


def _chosen(given: Sequence[Path]) -> list[Path]:
    """Return the run folders that the arguments mean."""
    from harness.recording.reader import RunFolderError, find_runs  # noqa: PLC0415 - see _report

    if not given:
        newest = find_runs(RUNS)[-1:]
        if not newest:
            raise RunFolderError(f"there is no run under {RUNS}. Make one with `harness run`, or give a run's folder.")
        return newest
    folders: list[Path] = []
    for path in given:
        place = path if path.exists() else RUNS / path
        # A folder without runs is passed on, for a message that says what is wrong with it.
        folders += find_runs(place) or [path]
    return folders


def _ambiguous(chosen: Sequence[Path]) -> str:
    names = [folder.name for folder in chosen[-SHOWN:]]
    return f"--trace is of one run, and {len(chosen)} were chosen. Name one of them; the last are {', '.join(names)}."


def _summary(run: "RunFolder") -> dict[str, object]:
    from harness.report.reading import counts  # noqa: PLC0415 - see _report

    numbers = counts(run)
    return {
        "name": run.scenario.name,
        "folder": str(run.path),
        "verdict": run.verdict.verdict,
        "steps": numbers.steps,
        "compared": numbers.compared,
        "differing": numbers.differing,
        "faults_fired": numbers.fired,
        "faults_planned": numbers.planned,
        "seconds": run.verdict.seconds,
    }
