"""`harness replay`: repeats a recorded run, or runs a scenario from a file."""

import argparse
from pathlib import Path

from harness.commands.recording_flags import RUNS, add_recording_flags
from harness.output import must_be_writable

__all__ = ["TRUST", "add_parser", "replay"]

TRUST = "imports the Python modules that the file names; see docs/security.md"
DESCRIPTION = f"""\
Run a recorded run again: the same scenario with its seed, kind of proxy server and way of starting programs, or in the
same simulated world. Everything that it needs is in the folder's scenario.json, a user's own scenario and faults
included.
Running it {TRUST}.
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("replay", help="run a recorded run again", description=DESCRIPTION)
    parser.add_argument(
        "recorded", type=Path, metavar="RUN_OR_FILE", help=f"a run's folder, its name under {RUNS}, or a scenario.json"
    )
    parser.add_argument(
        "--proxy",
        choices=("auto", "real", "embedded"),
        default="auto",
        help="which proxy server to use (default: of the recorded kind)",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--sim", action="store_true", help="in a simulated world, whatever the recorded run was")
    how.add_argument("--real", action="store_true", help="with real programs, whatever the recorded run was")
    add_recording_flags(parser)
    parser.set_defaults(
        run=run, cold=False, record_steps=[], rung=None, seed=None, world_seed=None, names=(), jobs=0, keep=False
    )


def run(flags: argparse.Namespace) -> int:
    """Run it again; return the verdict's exit status."""
    must_be_writable(flags.json, flags.junit, flags.report)
    return replay(flags.recorded, flags)


def replay(path: Path, flags: argparse.Namespace) -> int:
    """Run what a run's folder or a file describes, as `harness run` does.

    Args:
        path: of the folder or file, or the folder's name under `reports/runs`.
        flags: of `harness run`; whatever they do not set is taken from the recording.

    Raises:
        UnusableError: there is no scenario, or none that can be run.
    """
    from harness.commands.replayed_case import (  # noqa: PLC0415 - needs torch, for which --help must not wait
        case_in,
        must_leave_case_as_it_is,
        replay_case,
    )

    place = path if path.exists() else RUNS / path
    case = case_in(place)
    if case is not None and not flags.real:
        must_leave_case_as_it_is(place, flags)
        return replay_case(case, flags.json)
    from harness.commands.running import run_all  # noqa: PLC0415 - as above
    from harness.recording.plan import Plan, read_plan  # noqa: PLC0415 - as above
    from harness.recording.schema.start import Start  # noqa: PLC0415 - as above

    plan = read_plan(place) if case is None else Plan(case.scenario, Start())
    scenario, start = plan.scenario, plan.start
    simulated = flags.sim or (start.simulated is not None and not flags.real and not flags.rung)
    # A run without a proxy has none to be of the same kind.
    proxied = scenario.topology == "proxy" and not simulated
    recorded = {
        "sim": simulated,
        "world_seed": start.simulated if flags.seed is None else None,
        "proxy": start.proxy if flags.proxy == "auto" and proxied else flags.proxy,
        "cold": flags.cold or start.cold,
        "seed": start.proxy_seed if flags.seed is None else flags.seed,
    }
    if flags.seed is not None:
        scenario = scenario.with_seed(flags.seed)
    return run_all([scenario], argparse.Namespace(**{**vars(flags), **recorded}))
