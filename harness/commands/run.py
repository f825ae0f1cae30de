"""`harness run`: scenarios by name."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from harness.catalogue import CATALOGUE, QUICK, scenarios_named
from harness.commands.progress import RunProgress
from harness.errors import UnusableError
from harness.locate import locate
from harness.proxy.server_process import find_backend
from harness.record import json_text
from harness.run import RunOutcome, run_scenario
from harness.scenario import Scenario
from harness.verdict import Verdict, worst
from harness.workshop import RUNS, Workshop, open_workshop
from splitlearn.errors import ConfigError

__all__ = ["add_parser"]

# Checks whose summaries stand in the table of verdicts.
TOLD = ("equivalence", "faults", "step_time", "traffic", "convergence")
# Scenarios of a group that --help names.
SHOWN = 12


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    groups = "\n".join(f"  {group}: {_shortened(scenarios)}" for group, scenarios in CATALOGUE.items())
    parser = subparsers.add_parser(
        "run",
        help="run scenarios by name; a quick set without a name",
        description="Run scenarios: real client and trunk, the proxy between them, judged against one process.",
        epilog=f"groups and their scenarios; --list names all:\n{groups}\n\nwithout a name: {', '.join(QUICK)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="scenarios or groups")
    parser.add_argument("--list", action="store_true", help="print name and title of the scenarios instead")
    parser.add_argument("--seed", type=int, help="seed of weights, data order and dropout, instead of the scenario's")
    parser.add_argument(
        "--proxy", choices=("auto", "real", "embedded"), default="auto", help="which proxy server to use"
    )
    parser.add_argument("--cold", action="store_true", help="start an interpreter for every program; slower, same bits")
    parser.add_argument(
        "--runs", type=Path, default=RUNS, metavar="DIR", help="folder of run folders (default: %(default)s)"
    )
    parser.add_argument(
        "--record-steps", type=int, nargs="*", default=[], metavar="STEP", help="keep these steps' tensors whole"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the HTML report there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write verdict and figures there as one JSON object")
    parser.set_defaults(run=run)


def run(flags: argparse.Namespace) -> int:
    """Run, print a table of verdicts, and give the worst verdict's exit status."""
    if flags.list:
        for scenario in chosen_scenarios(flags.names or CATALOGUE, None):
            sys.stdout.write(f"{scenario.name}  {scenario.title}\n")
        return 0
    scenarios = chosen_scenarios(flags.names or QUICK, flags.seed)
    backend = find_backend(flags.proxy)
    with open_workshop(flags.runs, backend, cold=flags.cold, seed=flags.seed or 0) as workshop:
        outcomes = [_run_one(scenario, workshop, flags.record_steps) for scenario in scenarios]
    verdict = worst(outcome.verdict for outcome in outcomes)
    _print_table(outcomes)
    if flags.report:
        from harness.report.page import write_report  # noqa: PLC0415 - drawing is slow to import and often not asked for

        path = write_report([outcome.folder for outcome in outcomes], flags.report)
        sys.stdout.write(f"report: {path}\n")
    sys.stdout.write(f"verdict: {verdict.value}\n")
    if flags.json:
        flags.json.write_text(json_text(_summary(verdict, backend.kind, outcomes)))
    return verdict.exit_status


def chosen_scenarios(names: Iterable[str], seed: int | None) -> list[Scenario]:
    """Look up names; raises `UnusableError` for one that is unknown."""
    found: list[Scenario] = []
    for name in names:
        try:
            found += scenarios_named(name)
        except KeyError:
            raise UnusableError(f"there is no scenario {name!r}; `harness run --list` names all") from None
    try:
        return [scenario if seed is None else scenario.with_seed(seed) for scenario in found]
    except ConfigError as error:
        raise UnusableError(str(error)) from None


def _shortened(scenarios: Sequence[Scenario]) -> str:
    """Name a group's scenarios, of many the first."""
    names = [scenario.name for scenario in scenarios]
    left = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {left} more" if left > 0 else "")


def _run_one(scenario: Scenario, workshop: Workshop, whole_steps: Sequence[int]) -> RunOutcome:
    with RunProgress(scenario) as progress:
        outcome = run_scenario(scenario, workshop, progress.take, whole_steps)
    if outcome.verdict is Verdict.FAIL:
        locate(outcome, workshop)
    return outcome


def _print_table(outcomes: Sequence[RunOutcome]) -> None:
    width = max(len(outcome.scenario.name) for outcome in outcomes)
    for outcome in outcomes:
        sys.stdout.write(f"{outcome.verdict.value:4}  {outcome.scenario.name:{width}}  {_reading(outcome)}\n")


def _reading(outcome: RunOutcome) -> str:
    """Say what is wrong, or what was shown."""
    for verdict in (Verdict.FAIL, Verdict.VOID):
        for check in outcome.checks:
            if check.verdict is verdict:
                return f"{check.name}: {check.reading}"
    return "; ".join(check.summary for check in outcome.checks if check.name in TOLD)


def _summary(verdict: Verdict, proxy: str, outcomes: Sequence[RunOutcome]) -> dict[str, Any]:
    return {
        "verdict": verdict.value,
        "proxy": proxy,
        "runs": [
            {
                "scenario": outcome.scenario.name,
                "verdict": outcome.verdict.value,
                "folder": str(outcome.folder),
                "checks": {check.name: check.verdict.value for check in outcome.checks},
                "figures": {name: value for check in outcome.checks for name, value in check.figures.items()},
            }
            for outcome in outcomes
        ],
    }
