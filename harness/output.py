"""Where a command's text and its JSON go."""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TextIO

from harness.errors import UnusableError

__all__ = ["add_json_flag", "must_be_writable", "must_take_files", "people_read", "write_json"]

STANDARD_OUTPUT = Path("-")


def add_json_flag(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--json [FILE]`."""
    parser.add_argument(
        "--json",
        type=Path,
        nargs="?",
        const=STANDARD_OUTPUT,
        metavar="FILE",
        help=f"write {what} to FILE as one JSON object; without FILE, or as -, to standard output",
    )


def people_read(json: Path | None) -> TextIO:
    """Return the stream for people: standard error if a program reads standard output."""
    return sys.stderr if json == STANDARD_OUTPUT else sys.stdout


def write_json(json: Path | None, text: str) -> None:
    """Write a JSON object to the place that was asked for."""
    if json == STANDARD_OUTPUT:
        sys.stdout.write(text)
    elif json:
        json.parent.mkdir(parents=True, exist_ok=True)
        json.write_text(text)


def must_be_writable(*paths: Path | None) -> None:
    """Raise `UnusableError` if a file cannot be written: before hours of work, not after them."""
    for path in paths:
        if path and path != STANDARD_OUTPUT:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                if path.exists():
                    path.open("ab").close()  # a folder refuses this
                else:
                    tempfile.TemporaryFile(dir=path.parent).close()
            except OSError as error:
                raise UnusableError(f"{path} cannot be written ({error.strerror}); name another place") from None


def must_take_files(folder: Path, what: str, flag: str) -> None:
    """Make a folder; raise `UnusableError` if no file can be written to it.

    Args:
        folder: to be made, unless it exists.
        what: says what it is for, after the word "where".
        flag: names another folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        problem = f"nothing can be written to {folder} ({error.strerror}), where {what}"
        raise UnusableError(f"{problem}; name a folder by {flag}") from None
