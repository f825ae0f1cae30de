"""Bugs that are planted on purpose in the processes under test, to see whether the judge finds them."""

from importlib import import_module
from pkgutil import iter_modules

from harness.mutants.mutant import MUTANTS, Mutant

__all__ = ["MUTANTS", "Mutant", "load_mutants"]

FAMILIES = "harness.mutants.families"


def load_mutants() -> None:
    """Import every family, which registers its mutants."""
    for module in iter_modules(import_module(FAMILIES).__path__):
        import_module(f"{FAMILIES}.{module.name}")
