"""Names in a scenario that mean nothing are refused before it runs: it would end as VOID, or with a traceback."""

from collections.abc import Collection, Iterator
from typing import get_args

from harness.engine.materials import MATERIALS
from harness.errors import UnusableError
from harness.judging.checks import CHECKS
from harness.plan.faults.groups import GROUPS, OTHER
from harness.plan.scenario import Scenario, Topology
from harness.plan.selection import did_you_mean
from splitlearn.config import TrainingConfig
from splitlearn.points import POINTS

__all__ = ["must_mean_something"]

PARTIES = ("client", "trunk")


def must_mean_something(scenario: Scenario) -> None:
    """Raise `UnusableError` for a name of nothing that exists, with the one spelt most like it."""
    for kind, name, known in _named(scenario):
        if name not in known:
            raise UnusableError(f"scenario {scenario.name!r}: there is no {kind} {name!r}{did_you_mean(name, known)}")


def _named(scenario: Scenario) -> Iterator[tuple[str, str, Collection[str]]]:
    yield "topology", scenario.topology, get_args(Topology)
    for check in scenario.checks:
        yield "check", check, CHECKS
    for material in scenario.materials:
        yield "material", material, MATERIALS
    for party, settings in scenario.party_settings.items():
        yield "party", party, PARTIES
        for setting in settings:
            yield "setting", setting, TrainingConfig.model_fields
    for fault in scenario.faults:
        yield "group of faults", fault.group, (*GROUPS, OTHER)
    for point in (*scenario.expects, *(fault.at.point for fault in scenario.faults)):
        yield "point", point, POINTS
