"""`harness mutants`: the judge against systems that are broken on purpose."""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.commands.recording_flags import RUNS
from harness.errors import UnusableError
from harness.output import add_json_flag, must_be_writable, people_read, write_json
from harness.plan.spelling import did_you_mean
from harness.trace.verdict import Verdict

if TYPE_CHECKING:
    from harness.mutants.mutant import Mutant

__all__ = ["add_parser"]

DESCRIPTION = """\
Plant bugs in client and trunk, one at a time, each in a run that can show it, and see whether the judge finds it, how
soon, where, and what it names as the cause; and whether the loss curve, or torch.allclose on the final weights, would
have shown it. The correct system is run on the same scenarios: what fails there is a false alarm.

exit status: 0 every bug is caught and there is no false alarm, 1 not so, 2 wrong usage
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "mutants",
        help="the judge against systems that are broken on purpose",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="mutants; all of them without a name")
    parser.add_argument("--list", action="store_true", help="name every mutant, its source and its scenario")
    parser.add_argument("--jobs", type=int, default=1, metavar="K", help="runs at a time (default: %(default)s)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the scorecard there as tables")
    parser.add_argument(
        "--proxy", choices=("auto", "real", "embedded"), default="auto", help="which proxy server to use"
    )
    parser.add_argument(
        "--runs", type=Path, default=RUNS, metavar="DIR", help="folder of run folders (default: %(default)s)"
    )
    add_json_flag(parser, "verdict, figures and every trial")
    parser.set_defaults(run=run)


def run(flags: argparse.Namespace) -> int:
    """Try the mutants and print the scorecard; return the verdict's exit status."""
    if flags.jobs < 1:
        raise UnusableError(f"--jobs {flags.jobs}: at least one run at a time")
    must_be_writable(flags.json, flags.markdown)
    chosen = _chosen(flags.names)
    say = partial(print, file=people_read(flags.json), flush=True)
    if flags.list:
        for mutant in chosen:
            say(f"{mutant.name}  {mutant.what} [{mutant.source}; {mutant.party}; {mutant.scenario.name}]")
        return 0
    from harness.engine.testbed import open_testbed  # noqa: PLC0415 - needs torch, for which --help must not wait
    from harness.mutants.page import page  # noqa: PLC0415 - as above
    from harness.mutants.trials import try_all  # noqa: PLC0415 - as above
    from harness.proxy.server_process import find_backend  # noqa: PLC0415 - as above
    from harness.recording.measured import measured_text  # noqa: PLC0415 - as above

    with open_testbed(flags.runs, find_backend(flags.proxy)) as testbed:
        card = try_all(chosen, testbed, flags.jobs, say)
    write_json(flags.json, measured_text(card))
    if flags.markdown:
        flags.markdown.write_text(page(card))
    say(*(f"{name}: {count}" for name, count in card.figures.items()), sep="\n")
    say(f"verdict: {card.verdict}")
    return Verdict(card.verdict).exit_status


def _chosen(names: Sequence[str]) -> "list[Mutant]":
    """Return the mutants of some names, or all; raises `UnusableError` for a name that none has."""
    from harness.mutants import MUTANTS, load_mutants  # noqa: PLC0415 - needs torch, for which --help must not wait

    load_mutants()
    for name in names:
        if name not in MUTANTS:
            raise UnusableError(f"there is no mutant {name!r}{did_you_mean(name, MUTANTS)}; --list names all")
    return [MUTANTS[name] for name in names or MUTANTS]
