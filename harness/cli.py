"""`harness`: the command line of the testing harness."""

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from importlib import metadata

from harness.errors import HarnessError, UnusableError
from harness.extra import must_be_installed
from splitlearn.unread import UNREAD, drop_unread, replace_closed

__all__ = ["build_parser", "main"]

# Only the module of the chosen command is imported, so that --help is fast.
COMMANDS = {
    "run": ("harness.commands.run", "run scenarios by name; a quick set without a name"),
    "explore": ("harness.commands.explore", "find bugs by seeded schedules of faults in the simulated world"),
    "ablations": ("harness.commands.ablations", "what fails without each safeguard of the protocol"),
    "judge": ("harness.commands.judge", "compare any two recordings of training runs"),
    "mutants": ("harness.commands.mutants", "the judge against systems that are broken on purpose"),
    "bench": ("harness.commands.bench", "how long things take, each beside something that does the same work"),
    "compare": ("harness.commands.compare", "what has changed between two files of benchmarks"),
    "replay": ("harness.commands.replay", "run a recorded run again"),
    "report": ("harness.commands.report", "write the HTML report of recorded runs"),
    "agree": ("harness.commands.agree", "run the same faults in simulation and on real programs, and compare"),
    "canary": ("harness.commands.canary", "test whether a seed decides everything in the simulated world"),
    "proxy": ("harness.proxy.cli", "run the embedded Toxiproxy-compatible server alone"),
    "doctor": ("harness.commands.doctor", "say what was found on this machine"),
}
UNUSABLE = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; exit status 0 PASS, 1 FAIL, 2 wrong usage or unusable environment, 3 VOID."""
    replace_closed()
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] and words[0] in COMMANDS:
        try:
            must_be_installed()
        except UnusableError as error:
            sys.stderr.write(f"harness {words[0]}: {error}\n")
            return UNUSABLE
    flags = build_parser(words).parse_args(words)
    # Read by the libraries when they are imported: progress bars and warnings would disturb the table of verdicts.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    # SIGTERM is handled like Ctrl-C, so that every program started here is ended either way.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        status = int(flags.run(flags))
        sys.stdout.flush()  # here, where a BrokenPipeError can still be handled
        return status
    except (HarnessError, OSError) as error:  # a system error, such as a full disk, is the user's to fix
        if isinstance(error, BrokenPipeError) and drop_unread():
            return UNREAD
        sys.stderr.write(f"harness {flags.command}: {error}\n")
        return UNUSABLE
    except KeyboardInterrupt:
        sys.stderr.write(f"harness {flags.command}: interrupted; every program it started has been ended\n")
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)


def build_parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of a command line; only the command that it names has its flags."""
    parser = argparse.ArgumentParser(
        prog="harness",
        description="Run the real split-learning client and trunk through Toxiproxy, break things on purpose, and "
        "judge the run, bit for bit, against a GPT-2 trained in one process.",
        epilog="Exit status: 0 PASS, 1 FAIL, 2 wrong usage or unusable environment, 3 VOID (nothing was shown). "
        "Start with `harness doctor`, then `harness run`.",
    )
    parser.add_argument("--version", action="version", version=f"harness {metadata.version('splitlearn')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = words[0] if words and words[0] in COMMANDS else None
    for name, (module, summary) in COMMANDS.items():
        if name == chosen:
            importlib.import_module(module).add_parser(commands)
        else:
            commands.add_parser(name, help=summary)
    return parser
