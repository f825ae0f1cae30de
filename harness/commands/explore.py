"""`harness explore`: searches for bugs by running seeded fault schedules in the simulated world."""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UnusableError
from harness.output import add_json_flag, must_be_writable, people_read, write_json
from harness.trace.verdict import Verdict

if TYPE_CHECKING:
    from harness.sim.explore import Failure, Findings

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

exit status: 0 PASS, 1 FAIL: an invariant was violated, 2 wrong usage, 3 VOID: no fault was injected
"""
CASES = Path("reports/cases")
# Maximum number of failures that are shrunk and shown: the first of each invariant.
SHOWN = 3


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
    parser.add_argument("--faults", type=int, default=0, help="faults per schedule (default: 3 to 6, as drawn)")
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
    must_be_writable(flags.json)
    from harness.processes.forked import import_ahead  # noqa: PLC0415 - --help must not wait for it

    import_ahead("harness.sim.explore")
    from harness.recording.writer import json_text  # noqa: PLC0415 - needs torch, for which --help must not wait

    say = partial(print, file=people_read(flags.json), flush=True)
    started = time.monotonic()
    findings, growth = _explored(flags, say)
    seconds = time.monotonic() - started
    say("\n".join([*_lines(findings, seconds), growth]))
    shown = _one_of_each(findings)
    told = [_shrunk(failure, flags, say) for failure in shown]
    verdict = Verdict.FAIL if findings.failures else Verdict.PASS if findings.faults else Verdict.VOID
    say(f"verdict: {verdict.value}")
    write_json(flags.json, json_text({"verdict": verdict.value, **_figures(findings, seconds), "failures": told}))
    return verdict.exit_status


def _explored(flags: argparse.Namespace, say: Callable[[str], None]) -> "tuple[Findings, str]":
    """Return the findings, and how the coverage has grown."""
    from harness.commands.coverage_progress import CoverageProgress  # noqa: PLC0415 - as above
    from harness.sim.explore import Findings, explore  # noqa: PLC0415 - as above

    found = Findings()
    with CoverageProgress(flags.schedules, say) as progress:
        try:
            for found in explore(flags.seconds, flags.seed, flags.arm, flags.jobs, flags.schedules, flags.faults):
                progress.show(found)
        except KeyboardInterrupt:
            failed = [f"seed {each.seed}: {each.invariant}: {each.message}" for each in found.failures]
            say("\n".join([f"interrupted after {found.schedules:,} schedules; failures: {len(failed)}", *failed]))
            raise
    return found, progress.growth


def _one_of_each(findings: "Findings") -> "list[Failure]":
    """Return the first failure of each invariant, at most `SHOWN` of them."""
    first = {failure.invariant: failure for failure in sorted(findings.failures, key=lambda each: -each.seed)}
    return sorted(first.values(), key=lambda each: each.seed)[:SHOWN]


def _lines(findings: "Findings", seconds: float) -> list[str]:
    figures = _figures(findings, seconds)
    return [
        f"{findings.schedules:,} schedules in {seconds:.1f} s: {figures['schedules per minute']:,.0f} per minute",
        f"{findings.faults:,} of {findings.planned:,} faults injected, {len(findings.met):,} pairs of kind and point",
        f"{len(findings.states):,} distinct protocol states, {findings.virtual_seconds:,.0f} virtual seconds",
        f"{findings.steps:,} steps, {findings.compared:,} tensors compared bit for bit",
        f"{len(findings.failures):,} schedules violated an invariant",
    ]


def _figures(findings: "Findings", seconds: float) -> dict[str, Any]:
    return {
        "schedules": findings.schedules,
        "seconds": round(seconds, 3),
        "schedules per minute": round(60 * findings.schedules / seconds, 1) if seconds else 0.0,
        "faults planned": findings.planned,
        "faults that took effect": findings.faults,
        "kinds at points": len(findings.met),
        "states": len(findings.states),
        "events": findings.events,
        "steps": findings.steps,
        "tensors compared": findings.compared,
        "virtual seconds": round(findings.virtual_seconds, 1),
        "failed": len(findings.failures),
    }


def _shrunk(failure: "Failure", flags: argparse.Namespace, say: partial[None]) -> dict[str, Any]:
    """Shrink a failure, write the reproducer to a file, and print it; return it as a JSON object."""
    from harness.commands.showing_cases import show_case  # noqa: PLC0415 - as above
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
    say(f"shrunk from {len(case.scenario.faults)} to {len(found.case.scenario.faults)} faults in {found.runs} runs")
    show_case(found.case, found.neighbour, say)
    say(f"replay: harness replay {file}")
    return {
        "seed": failure.seed,
        "invariant": failure.invariant,
        "message": failure.message,
        "faults": [fault.name for fault in found.case.scenario.faults],
        "file": str(file),
    }
