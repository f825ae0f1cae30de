"""Trains references in this process: for simulated runs, which have no other process to start."""

import os
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from harness.oracle.cli import main
from harness.processes.program import Program
from harness.processes.starters import ColdStarter

__all__ = ["StarterHere"]


class StarterHere(ColdStarter):
    """Trains a reference at once in this process; any other program gets an interpreter of its own."""

    def start(self, name: str, program: str, argv: Sequence[str], log: Path) -> Program:
        """Start `splitlearn`, or train a reference to its end; output goes to `log`."""
        if program != "reference":
            return super().start(name, program, argv, log)
        with log.open("a") as out, redirect_stdout(out), redirect_stderr(out):
            status = main(argv)
        done = Program(name, os.getpid(), log)
        done.ended(status)
        return done
