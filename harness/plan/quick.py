"""Selects the scenarios of a long list that represent the others when time is short."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from harness.plan.scenario import Scenario

__all__ = ["by_kind", "by_point", "spread"]


def spread(scenarios: Iterable[Scenario], kind: Callable[[Scenario], str]) -> list[Scenario]:
    """Return one scenario of each kind, each at a different place, so that everything else varies too."""
    groups: Sequence[list[Scenario]] = [list(group) for _, group in groupby(sorted(scenarios, key=kind), key=kind)]
    return [group[number % len(group)] for number, group in enumerate(groups)]


def by_point(scenario: Scenario) -> str:
    """Return the point of a scenario's last fault."""
    return scenario.faults[-1].at.point


def by_kind(scenario: Scenario) -> str:
    """Return the kind of a scenario's last fault, without its place."""
    return scenario.faults[-1].kind
