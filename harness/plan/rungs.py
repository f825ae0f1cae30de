"""The rungs of the equivalence ladder: a scenario with ever more layers between client and trunk."""

from dataclasses import replace

from harness.plan.links import LOOPBACK
from harness.plan.names import derived_name
from harness.plan.scenario import Scenario, Topology

__all__ = ["RUNGS", "on_rung"]

RUNGS: tuple[Topology, ...] = ("local", "direct", "proxy")


def on_rung(scenario: Scenario, rung: Topology) -> Scenario:
    """Return the scenario on one rung: without its link and faults, judged by its bits alone.

    A trunk in the client's process has no place for a second client.
    """
    return replace(
        scenario,
        name=derived_name(scenario.name, f"-rung-{rung}"),
        topology=rung,
        link=LOOPBACK,
        faults=(),
        adversaries=(),
        second_client=None if rung == "local" else scenario.second_client,
        timed=False,
        checks=("equivalence",),
        expects=(),
    )
