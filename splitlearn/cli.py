"""`splitlearn`: the training system's command line."""

import argparse
import importlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata
from typing import NoReturn

from splitlearn.complaints import complain, is_json, write_logs
from splitlearn.errors import SIGNALLED, UserError
from splitlearn.unread import UNREAD, drop_unread, replace_closed

__all__ = ["main", "program"]

# Only the module of the chosen command is imported, so that --help is fast.
COMMANDS = {
    "trunk": "run the server that holds and trains the middle blocks",
    "train": "run the client: train on local text with a remote trunk",
    "eval": "loss and perplexity of a text, through the trunk",
    "generate": "continue a prompt, through the trunk",
    "split": "cut a Hugging Face checkpoint into bottom, trunk and top",
    "export": "join the parts of a trained model into a Hugging Face checkpoint",
    "health": "ask a trunk whether it serves, for probes and scripts",
    "certificates": "make certificates and a token for development",
}
INTERRUPTED = SIGNALLED + signal.SIGINT
DEFECT = 1

log = logging.getLogger(__name__)


class Parser(argparse.ArgumentParser):
    """Reports wrong usage like any other error."""

    def error(self, message: str) -> NoReturn:
        """Report what is wrong and exit."""
        complain(f"{self.format_usage()}{self.prog}: error: {message}")
        sys.exit(UserError.exit_status)


def asks_for_json(words: Sequence[str]) -> bool:
    """Return whether the log is JSON; parsed separately, because errors in other flags are reported in that form."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--log-format", nargs="?")
    return bool(parser.parse_known_args(words)[0].log_format == "json")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; exit statuses are listed in docs/exit-statuses.md."""
    # Read when gRPC is imported: its own log lines do not escape the peer's text, and we report every error ourselves.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    replace_closed()
    words = list(sys.argv[1:] if arguments is None else arguments)
    write_logs(as_json=asks_for_json(words))
    parser = Parser(
        prog="splitlearn",
        description="Train GPT-2 with the middle blocks on another machine. Text and labels never leave the client.",
        epilog="Start `splitlearn trunk --host 0.0.0.0 --port 50051` on one machine, then `splitlearn train "
        "--trunk-address HOST:50051` with the same model, cuts and seed on the other. `splitlearn COMMAND --help` "
        "lists the settings.",
    )
    parser.add_argument("--version", action="version", version=f"splitlearn {metadata.version('splitlearn')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        command.add_argument(
            "--log-format", choices=("text", "json"), default="text", help="json writes an object a line"
        )
        if words[:1] == [name]:
            importlib.import_module(f"splitlearn.commands.{name}").add_flags(command)
    flags = parser.parse_args(words)
    # Read by the library when it is imported: its advice does not belong in a program's log.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    try:
        status = int(importlib.import_module(f"splitlearn.commands.{flags.command}").run(flags))
        sys.stdout.flush()  # here, where it can be answered that nobody reads
        return status
    except (UserError, OSError) as error:  # a system error, such as a full disk, is the user's to fix
        if isinstance(error, BrokenPipeError) and drop_unread():
            return UNREAD
        complain(f"splitlearn {flags.command}: {error}")
        return error.exit_status if isinstance(error, UserError) else UserError.exit_status
    except KeyboardInterrupt:
        complain(f"splitlearn {flags.command}: interrupted")
        return INTERRUPTED
    except Exception:  # any bug: with JSON logs its traceback must be one JSON object too
        if not is_json():
            raise
        log.critical("the program ended by a defect", exc_info=True)
        return DEFECT


def program() -> NoReturn:
    """Run one command as a process of its own, and end it at once if the command was interrupted.

    The signal may have come in the middle of gRPC's own work, which the interpreter would wait for at its exit.
    """
    status = main()
    if status > SIGNALLED:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):  # its reader may be gone
                stream.flush()
        os._exit(status)
    sys.exit(status)
