"""`splitlearn`: the training system's command line."""

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence

from splitlearn.errors import UserError

__all__ = ["main"]

# Only the module of the chosen command is imported, so that --help answers at once.
COMMANDS = {
    "trunk": "run the server that holds and trains the middle blocks",
    "train": "run the client: train on local text with a remote trunk",
    "eval": "loss and perplexity of a text, through the trunk",
    "generate": "continue a prompt, through the trunk",
    "split": "cut a Hugging Face checkpoint into bottom, trunk and top",
    "export": "join the parts of a trained model into a Hugging Face checkpoint",
    "certificates": "make certificates and a token for development",
}
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; exit status 0 done, 2 wrong usage or unusable environment, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="splitlearn",
        description="Train GPT-2 with the middle blocks on another machine. Text and labels never leave the client.",
        epilog="Start `splitlearn trunk --port 50051` on one machine, then `splitlearn train --trunk-address "
        "HOST:50051` with the same model, cuts and seed on the other. `splitlearn COMMAND --help` lists the settings.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if words[:1] == [name]:
            importlib.import_module(f"splitlearn.commands.{name}").add_flags(command)
    flags = parser.parse_args(words)
    # Read by the library when it is imported: its progress bars and advice are not for a program's log.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        return int(importlib.import_module(f"splitlearn.commands.{flags.command}").run(flags))
    except (UserError, OSError) as error:  # what the system refuses, such as a full disk, is the user's to mend
        sys.stderr.write(f"splitlearn {flags.command}: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write(f"splitlearn {flags.command}: interrupted\n")
        return INTERRUPTED
