"""A mutant: a bug, its source, the scenario that can reveal it, and the cause that the diagnosis should name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from harness.judging.diagnosis.cause import Cause
from harness.plan.scenario import Scenario

__all__ = ["MUTANTS", "Mutant", "Party", "Plant", "mutant"]

# The party whose code is wrong. A bug in shared code is also planted in the reference's process.
Party = Literal["client", "trunk", "both", "shared"]
# Patches the system's modules in the calling process.
Plant = Callable[[], None]


@dataclass(frozen=True, eq=False)
class Mutant:
    """A bug that can be planted.

    Attributes:
        name: the mutant's name in commands and tables.
        what: the bug, in one sentence.
        source: where such a bug has occurred: "classic", or a project, issue or paper.
        party: the party whose code is wrong.
        scenario: the smallest scenario that can reveal it.
        cause: the cause that the diagnosis should name.
        plant: plants the bug in the calling process.
        since: the first step that the bug affects.
        equivalent: why no run can distinguish it from the correct system; empty if one can.
    """

    name: str
    what: str
    source: str
    party: Party
    scenario: Scenario
    cause: Cause
    plant: Plant
    since: int = 0
    equivalent: str = ""


MUTANTS: dict[str, Mutant] = {}


def mutant(
    source: str, party: Party, scenario: Scenario, cause: Cause, *, since: int = 0, equivalent: str = ""
) -> Callable[[Plant], Plant]:
    """Return a decorator that registers a function as a mutant, which takes its name and docstring.

    Args:
        source: where such a bug has occurred: "classic", or a project, issue or paper.
        party: the party whose code is wrong.
        scenario: the smallest scenario that can reveal it.
        cause: the cause that the diagnosis should name.
        since: the first step that the bug affects.
        equivalent: why no run can distinguish it from the correct system; empty if one can.
    """

    def register(plant: Plant) -> Plant:
        name = plant.__name__.replace("_", "-")
        assert name not in MUTANTS, f"there are two mutants {name}"
        what = (plant.__doc__ or "").partition("\n")[0]
        MUTANTS[name] = Mutant(name, what, source, party, scenario, cause, plant, since, equivalent)
        return plant

    return register
