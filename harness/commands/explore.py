"""`harness explore`: searches for bugs by running seeded fault schedules in the simulated world."""

import argparse
import math
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UnusableError
from harness.output import add_json_flag, must_be_writable, must_take_files, people_read, write_json

if TYPE_CHECKING:
    from harness.commands.exploration import Exploration
    from harness.sim.findings import Failure

__all__ = ["add_parser"]

DESCRIPTION = """\
Run fault schedules drawn from consecutive seeds, thousands per minute, against the production client and trunk code in
a simulated world with virtual time. Invariants are checked at every event, and every tensor is compared, bit for bit,
with the undisturbed run's. A failing schedule is shrunk to a minimal reproducer and written to a file for
`harness replay`.
"""
EPILOG = """\
examples:
  harness explore --seconds 60
  harness explore --seconds 600 --seed 1000000 --arm tensors

exit status: 0 PASS, 1 FAIL: an invariant was violated, 2 wrong usage, 3 VOID: no fault showed
"""
CASES = Path("reports/cases")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "explore",
        help="search for bugs with seeded fault schedules in the simulated world",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to run (default: %(default)g)")
    parser.add_argument(
        "--schedules", type=int, default=0, metavar="N", help="stop after N schedules (default: no limit)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the first schedule (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=0, help="number of processes (default: one per core)")
    parser.add_argument(
        "--arm",
        choices=("stub", "tensors"),
        default="stub",
        help="the model: a stub whose weights are a hash of all updates, or a tiny GPT-2 with real tensors "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--faults", type=int, default=0, help="faults per schedule (default: 3 to 6, and a few more in some)"
    )
    parser.add_argument("--cases", type=Path, default=CASES, help="folder for failing cases (default: %(default)s)")
    add_json_flag(parser, "verdict, figures and failures")
    parser.set_defaults(run=run)


def run(flags: argparse.Namespace) -> int:
    """Run schedules, shrink and print failures; return the verdict's exit status.

    Raises:
        UnusableError: a flag is invalid.
    """
    if min(flags.seconds, flags.schedules, flags.jobs, flags.faults, flags.seed) < 0:
        raise UnusableError("--seconds, --schedules, --jobs, --faults and --seed must not be negative")
    if not math.isfinite(flags.seconds):
        raise UnusableError(f"--seconds {flags.seconds}: give a number of seconds; Ctrl-C ends a search early")
    must_be_writable(flags.json)
    must_take_files(flags.cases, "failing cases are kept", "--cases")
    from harness.commands.exploration import Exploration  # noqa: PLC0415 - --help must not wait for it
    from harness.processes.forked import import_ahead  # noqa: PLC0415 - as above

    say = partial(print, file=people_read(flags.json), flush=True)
    exploration = Exploration()
    try:
        import_ahead("harness.sim.explore")
        say(_explored(exploration, flags, say))
        for failure in exploration.failures:
            exploration.shrunk[failure] = _shrunk(failure, flags, say)
    except BaseException:
        exploration.interrupted = True
        say(exploration.interrupted_text)
        raise
    finally:
        # What was found must not be lost, whatever ends the search.
        write_json(flags.json, exploration.json)
    say(f"verdict: {exploration.verdict.value}")
    return exploration.verdict.exit_status


def _explored(exploration: "Exploration", flags: argparse.Namespace, say: Callable[[str], None]) -> str:
    """Run the schedules; return in words the figures, and how the coverage has grown."""
    from harness.commands.coverage_progress import CoverageProgress  # noqa: PLC0415 - as above
    from harness.sim.explore import explore  # noqa: PLC0415 - needs torch, for which --help must not wait

    started = time.monotonic()
    with closing(CoverageProgress(flags.schedules, say)) as progress:
        for found in explore(flags.seconds, flags.seed, flags.arm, flags.jobs, flags.schedules, flags.faults):
            exploration.findings, exploration.seconds = found, time.monotonic() - started
            progress.show(found)
    return f"{exploration.text}\n{progress.growth}"


def _shrunk(failure: "Failure", flags: argparse.Namespace, say: partial[None]) -> Mapping[str, Any]:
    """Shrink a failure, write the reproducer to a file, and print it; return its faults and its file."""
    from harness.commands.showing_cases import show_case  # noqa: PLC0415 - as above
    from harness.report.wording import plural  # noqa: PLC0415 - as above
    from harness.sim.draw_case import case_of  # noqa: PLC0415 - as above
    from harness.sim.shrink import shrink  # noqa: PLC0415 - as above

    case = case_of(failure.seed, flags.arm, flags.faults)
    say(f"\nseed {failure.seed}: {failure.invariant}: {failure.message}")

    def fails(other: Any) -> bool:  # noqa: ANN401 - a case, whose type needs torch
        violation = other.run().violation
        return violation is not None and violation.invariant == failure.invariant

    found = shrink(case, fails, flags.cases / "examples")
    file = flags.cases / f"{failure.invariant.replace(' ', '-')}-{flags.arm}-{failure.seed}.json"
    found.case.write(file)
    left = plural(len(found.case.scenario.faults), "fault")
    say(f"shrunk from {len(case.scenario.faults)} to {left} in {plural(found.runs, 'run')}")
    show_case(found.case, found.neighbour, say)
    say(f"replay: harness replay {file}")
    return {"faults": [fault.name for fault in found.case.scenario.faults], "file": str(file)}
