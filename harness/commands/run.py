"""`harness run`: runs scenarios by name, or from a user's file."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from harness.commands.recording_flags import add_recording_flags
from harness.commands.replay import TRUST, replay
from harness.errors import UnusableError
from harness.output import must_be_writable, people_read, write_json
from harness.plan.catalogue import CATALOGUE, QUICK
from harness.plan.rungs import RUNGS, SIMULATED
from harness.plan.scenario import Scenario
from harness.plan.selection import chosen_scenarios

__all__ = ["add_parser"]

# Scenarios of a group that --help names.
SHOWN = 12


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    groups = "\n".join(f"  {group}: {_shortened(scenarios)}" for group, scenarios in CATALOGUE.items())
    parser = subparsers.add_parser(
        "run",
        help="run scenarios by name; a quick set without a name",
        description="Run scenarios: real client and trunk, the proxy between them, judged against one process.",
        epilog=f"groups and their scenarios; --list names all:\n{groups}\n\nwithout a name: {', '.join(QUICK)}\n\n"
        "FILE.py is a file of your own: every `harness.plan.scenario.Scenario` that is a value of the module is run;\n"
        "FILE.py::NAME runs one of them.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="scenarios, groups, or FILE.py, or FILE.py::NAME")
    parser.add_argument(
        "--scenario",
        type=Path,
        metavar="FILE",
        help=f"run the scenario.json of a run, or one like it, instead of a name; {TRUST}",
    )
    parser.add_argument("--list", action="store_true", help="print name and title of the scenarios instead")
    parser.add_argument("--seed", type=int, help="seed of weights, data order and dropout, instead of the scenario's")
    parser.add_argument(
        "--rung",
        choices=RUNGS,
        help="run on one rung of the equivalence ladder: without the scenario's link and faults",
    )
    parser.add_argument(
        "--proxy", choices=("auto", "real", "embedded"), default="auto", help="which proxy server to use"
    )
    parser.add_argument(
        "--sim",
        action="store_true",
        help="run in a simulated world, in virtual time, instead of with real programs and a real network",
    )
    parser.add_argument("--jobs", type=int, default=0, help="processes for --sim (default: one a core)")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="with --sim: keep the folders of all runs; otherwise, of several, only those of runs that do not pass",
    )
    parser.add_argument("--cold", action="store_true", help="start an interpreter for every program; slower, same bits")
    parser.add_argument(
        "--record-steps",
        type=int,
        nargs="*",
        action="extend",
        default=[],
        metavar="STEP",
        help="keep these steps' tensors whole",
    )
    add_recording_flags(parser)
    parser.set_defaults(run=run, real=False, world_seed=None)


def run(flags: argparse.Namespace) -> int:
    """List scenarios, or run them; return the worst verdict's exit status."""
    if flags.json and str(flags.json) in _every_name():
        raise UnusableError(
            f"--json {flags.json}: that is a scenario, not a file; give it before --json, or --json=FILE"
        )
    if flags.scenario and flags.list:
        raise UnusableError(f"give --scenario {flags.scenario}, or --list, not both")
    if flags.list:
        return _list(chosen_scenarios(flags.names or CATALOGUE, flags.seed), flags.json)
    _check_simulated(flags)
    must_be_writable(flags.json, flags.junit, flags.report)
    if flags.scenario:
        if flags.names:
            raise UnusableError(f"give --scenario {flags.scenario}, or names ({', '.join(flags.names)}), not both")
        return replay(flags.scenario, flags)
    scenarios = chosen_scenarios(flags.names or QUICK, flags.seed)
    if flags.sim and len(scenarios) > 1 and flags.jobs != 1:
        from harness.processes.forked import import_ahead  # noqa: PLC0415 - --help must not wait for it

        import_ahead("harness.commands.simulated_many")
    from harness.commands.running import run_all  # noqa: PLC0415 - needs torch, likewise

    return run_all(scenarios, flags)


def _check_simulated(flags: argparse.Namespace) -> None:
    """Note whether runs are simulated; raise `UnusableError` for flags that contradict it."""
    if flags.sim and flags.rung not in (None, SIMULATED):
        raise UnusableError(f"--rung {flags.rung} needs real programs: leave --sim out, or make it --rung {SIMULATED}")
    flags.sim = flags.sim or flags.rung == SIMULATED
    if not flags.sim and (flags.jobs or flags.keep):
        raise UnusableError(
            "--jobs and --keep are for --sim; `pytest scenarios/ -n 2` runs two real scenarios at a time"
        )
    if flags.jobs < 0:
        raise UnusableError("--jobs must not be negative")
    if flags.sim and (flags.cold or flags.proxy != "auto"):
        raise UnusableError("--sim starts no programs and no proxy server: leave --cold and --proxy out")


def _list(scenarios: Sequence[Scenario], json_file: Path | None) -> int:
    people_read(json_file).writelines(f"{scenario.name}  {scenario.title}\n" for scenario in scenarios)
    named = [{"name": scenario.name, "title": scenario.title} for scenario in scenarios]
    write_json(json_file, json.dumps({"verdict": "PASS", "scenarios": named}, indent=2) + "\n")
    return 0


def _every_name() -> set[str]:
    return {*CATALOGUE, *(scenario.name for group in CATALOGUE.values() for scenario in group)}


def _shortened(scenarios: Sequence[Scenario]) -> str:
    """Return the names of a group's scenarios, or the first of many."""
    names = [scenario.name for scenario in scenarios]
    left = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {left} more" if left > 0 else "")
