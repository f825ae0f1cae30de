"""A testbed that plants a mutant in the processes under test."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from harness.engine.references import References
from harness.engine.testbed import Testbed
from harness.mutants.mutant import Mutant
from harness.processes.program import Program
from harness.processes.starters import Starter

__all__ = ["PlantedStarter", "planted"]

PROGRAM = "harness.mutants.program"
SYSTEM = "splitlearn"


class PlantedStarter:
    """Starts client and trunk with a mutant planted in them, and for a shared mutant the reference as well.

    Args:
        starter: starts the processes.
        mutant: the mutant, which is planted before the program runs.
    """

    def __init__(self, starter: Starter, mutant: Mutant) -> None:
        self._starter = starter
        self._mutant = mutant

    def start(self, name: str, program: str, argv: Sequence[str], log: Path) -> Program:
        """Start a program with arguments, with its output redirected to `log`."""
        if program != SYSTEM and self._mutant.party != "shared":
            return self._starter.start(name, program, argv, log)
        return self._starter.start(name, PROGRAM, [self._mutant.name, program, *argv], log)


@contextmanager
def planted(testbed: Testbed, mutant: Mutant) -> Iterator[Testbed]:
    """Yield a testbed that plants a mutant; for a shared mutant, it has separate references in a temporary folder."""
    starter = PlantedStarter(testbed.starter, mutant)
    if mutant.party != "shared":
        yield replace(testbed, starter=starter)
        return
    with tempfile.TemporaryDirectory(prefix="splitlearn-mutant-") as folder:
        yield replace(testbed, starter=starter, references=References(starter, Path(folder)))
