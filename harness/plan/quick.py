"""Selects the scenarios of a long list that represent the others when time is short."""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations, groupby

from harness.plan.scenario import Scenario

__all__ = ["all_pairs", "by_kind", "by_point", "spread"]


def spread(scenarios: Iterable[Scenario], kind: Callable[[Scenario], str]) -> list[Scenario]:
    """Return one scenario of each kind, each at a different place, so that everything else varies too."""
    groups: Sequence[list[Scenario]] = [list(group) for _, group in groupby(sorted(scenarios, key=kind), key=kind)]
    return [group[number % len(group)] for number, group in enumerate(groups)]


def all_pairs(scenarios: Iterable[Scenario]) -> list[Scenario]:
    """Return scenarios in which every pair of settings occurs that occurs in all of them together.

    All-pairs testing, by the greedy choice of the scenario with the most pairs that are still missing (Cohen et al.,
    "The AETG System", 1997).
    """
    left = [(scenario, _pairs(scenario)) for scenario in scenarios]
    missing, chosen = set().union(*(pairs for _, pairs in left)), list[Scenario]()
    while missing:
        best = max(left, key=lambda each: len(each[1] & missing))
        left.remove(best)
        chosen.append(best[0])
        missing -= best[1]
    return chosen


def by_point(scenario: Scenario) -> str:
    """Return the point of a scenario's last fault."""
    return scenario.faults[-1].at.point


def by_kind(scenario: Scenario) -> str:
    """Return the kind of a scenario's last fault, without its place."""
    return scenario.faults[-1].kind


def _pairs(scenario: Scenario) -> set[tuple[tuple[str, str], ...]]:
    settings = sorted(scenario.config.model_dump(mode="json").items())
    return set(combinations(((name, str(value)) for name, value in settings), 2))
