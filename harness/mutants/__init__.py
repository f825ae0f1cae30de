"""Mutation testing of the judge: bugs planted in the processes under test, which the judge should catch."""

from importlib import import_module
from pkgutil import iter_modules

from harness.mutants.mutant import MUTANTS, Mutant

__all__ = ["MUTANTS", "Mutant", "load_mutants"]

FAMILIES = "harness.mutants.families"


def load_mutants() -> None:
    """Import all families, which registers their mutants."""
    for module in iter_modules(import_module(FAMILIES).__path__):
        import_module(f"{FAMILIES}.{module.name}")
