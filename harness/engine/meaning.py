"""Refuses before a run what would show nothing: unknown names of checks and materials, faults that cannot happen.

`harness.plan` imports neither judge nor engine, so a scenario cannot look these names up itself; and it does not know
whether it will be simulated.
"""

from collections.abc import Collection, Iterator

from harness.engine.material import kind_of_material
from harness.engine.materials import MATERIALS
from harness.errors import ScenarioError
from harness.judging.checks import CHECKS
from harness.plan.scenario import Scenario
from harness.plan.spelling import did_you_mean

__all__ = ["must_mean_something", "must_run_for_real"]


def must_mean_something(scenario: Scenario) -> None:
    """Raise `ScenarioError` for an unknown name, with the most similar known one."""
    for kind, name, known in _named(scenario):
        if name not in known:
            raise ScenarioError(f"scenario {scenario.name!r}: there is no {kind} {name!r}{did_you_mean(name, known)}")


def must_run_for_real(scenario: Scenario) -> None:
    """Raise `ScenarioError` for a fault that only the simulated world can make."""
    for fault in scenario.faults:
        if fault.needs_simulation:
            raise ScenarioError(
                f"scenario {scenario.name!r}: {fault.name} {fault.detail}, which only a simulated machine can do; run "
                "it with --sim"
            )


def _named(scenario: Scenario) -> Iterator[tuple[str, str, Collection[str]]]:
    for check in scenario.checks:
        yield "check", check, CHECKS
    for material in scenario.materials:
        yield "material", kind_of_material(material), MATERIALS
