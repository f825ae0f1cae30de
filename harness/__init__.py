"""Runs the real client and trunk through Toxiproxy and judges them against one process.

Everything that a user's own scenarios, links, faults, checks and toxics need can be imported from here; each name
is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.engine.material import register_material
    from harness.judging.check import register_check
    from harness.judging.facts import RunFacts
    from harness.plan.faults.fault import Fault
    from harness.plan.links import LinkProfile
    from harness.plan.scenario import Scenario
    from harness.proxy.embedded.toxics import register_toxic
    from harness.report.figures.figure import register_figure
    from harness.trace.event import Event
    from harness.trace.place import At
    from harness.trace.verdict import CheckResult, Finding, Verdict
    from splitlearn.config import TrainingConfig

__all__ = [
    "At",
    "CheckResult",
    "Event",
    "Fault",
    "Finding",
    "LinkProfile",
    "RunFacts",
    "Scenario",
    "TrainingConfig",
    "Verdict",
    "register_check",
    "register_figure",
    "register_material",
    "register_toxic",
]

_HOMES = {
    "At": "harness.trace.place",
    "CheckResult": "harness.trace.verdict",
    "Event": "harness.trace.event",
    "Fault": "harness.plan.faults.fault",
    "Finding": "harness.trace.verdict",
    "LinkProfile": "harness.plan.links",
    "RunFacts": "harness.judging.facts",
    "Scenario": "harness.plan.scenario",
    "TrainingConfig": "splitlearn.config",
    "Verdict": "harness.trace.verdict",
    "register_check": "harness.judging.check",
    "register_figure": "harness.report.figures.figure",
    "register_material": "harness.engine.material",
    "register_toxic": "harness.proxy.embedded.toxics",
}


def __getattr__(name: str) -> object:
    """Return a public name from the module that defines it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
