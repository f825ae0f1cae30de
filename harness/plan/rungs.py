"""The rungs of the equivalence ladder: a scenario with ever more layers between client and trunk."""

from dataclasses import replace
from typing import Literal, TypeAlias

from harness.plan.links import LOOPBACK
from harness.plan.names import derived_name
from harness.plan.scenario import Scenario

__all__ = ["RUNGS", "SIMULATED", "Rung", "on_rung"]

Rung: TypeAlias = Literal["local", "simulated", "direct", "proxy"]
RUNGS: tuple[Rung, ...] = ("local", "simulated", "direct", "proxy")
# The rung that is run in a simulated world instead of with real programs.
SIMULATED: Rung = "simulated"


def on_rung(scenario: Scenario, rung: Rung) -> Scenario:
    """Return the scenario on one rung: without its link and faults, judged by its bits alone.

    A trunk in the client's process has no place for other clients.
    """
    return replace(
        scenario,
        name=derived_name(scenario.name, f"-rung-{rung}"),
        topology="direct" if rung == "simulated" else rung,
        link=LOOPBACK,
        faults=(),
        adversaries=(),
        other_clients=() if rung == "local" else scenario.other_clients,
        timed=False,
        checks=("equivalence",),
        expects=(),
    )
