"""Runs a program with a mutant planted in it: `python -m harness.mutants.program MUTANT PROGRAM ARGUMENT…`."""

import sys
from collections.abc import Sequence
from importlib import import_module

from harness.mutants import MUTANTS, load_mutants
from harness.processes.forkserver import PROGRAMS

__all__ = ["NOT_PLANTED", "main"]

# Part of the error message; distinguishes a mutant whose target no longer exists from a bug that was caught.
NOT_PLANTED = "could not be planted"


def main(arguments: Sequence[str] | None = None) -> int:
    """Plant a mutant in this process, then run a program of `harness.processes.forkserver.PROGRAMS`.

    Args:
        arguments: names of the mutant and the program, and the program's arguments; None means the command line's.

    Returns:
        The program's exit status.

    Raises:
        SystemExit: the mutant cannot be planted.
    """
    name, program, *others = sys.argv[1:] if arguments is None else arguments
    try:
        load_mutants()
        MUTANTS[name].plant()
    except Exception as error:
        raise SystemExit(f"{name} {NOT_PLANTED}: {type(error).__name__}: {error}") from error
    return int(import_module(PROGRAMS[program]).main(others))


if __name__ == "__main__":
    sys.exit(main())
