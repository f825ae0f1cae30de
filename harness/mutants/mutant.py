"""A mutant: one bug with its source, the scenario that can show it, and the cause that a diagnosis should name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from harness.judging.diagnosis.cause import Cause
from harness.plan.scenario import Scenario

__all__ = ["MUTANTS", "Mutant", "Party", "Plant", "mutant"]

# Whose code is wrong. Shared code is wrong in the reference's process, too, as far as that runs it.
Party = Literal["client", "trunk", "both", "shared"]
# Replaces parts of the system's modules in the process that calls it.
Plant = Callable[[], None]


@dataclass(frozen=True, eq=False)
class Mutant:
    """A bug.

    Attributes:
        name: for commands and tables.
        what: the bug in one sentence.
        source: where it was seen: "classic", or a project, issue or paper.
        party: whose code is wrong.
        scenario: the smallest run that can show it.
        cause: what a diagnosis should name.
        plant: puts the bug into the process that calls it.
        since: the first step in which the wrong code computes something else.
        equivalent: why no run can tell it from the right system; empty if one can.
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
    """Return the decorator that registers a mutant; the function's name and docstring become its own."""

    def register(plant: Plant) -> Plant:
        name = plant.__name__.replace("_", "-")
        assert name not in MUTANTS, f"there are two mutants {name}"
        what = (plant.__doc__ or "").partition("\n")[0]
        MUTANTS[name] = Mutant(name, what, source, party, scenario, cause, plant, since, equivalent)
        return plant

    return register
