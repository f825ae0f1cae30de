"""Refuses unknown names of checks and materials before a run, which would otherwise end with a traceback.

`harness.plan` imports neither judge nor engine, so a scenario cannot look these names up itself.
"""

from collections.abc import Collection, Iterator

from harness.engine.material import kind_of_material
from harness.engine.materials import MATERIALS
from harness.errors import ScenarioError
from harness.judging.checks import CHECKS
from harness.plan.scenario import Scenario
from harness.plan.spelling import did_you_mean

__all__ = ["must_mean_something"]


def must_mean_something(scenario: Scenario) -> None:
    """Raise `ScenarioError` for an unknown name, with the most similar known one."""
    for kind, name, known in _named(scenario):
        if name not in known:
            raise ScenarioError(f"scenario {scenario.name!r}: there is no {kind} {name!r}{did_you_mean(name, known)}")


def _named(scenario: Scenario) -> Iterator[tuple[str, str, Collection[str]]]:
    for check in scenario.checks:
        yield "check", check, CHECKS
    for material in scenario.materials:
        yield "material", kind_of_material(material), MATERIALS
