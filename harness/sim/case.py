"""A case of the simulated world: everything that makes a run again, as one JSON file."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from harness.errors import UnusableError
from harness.plan.scenario import Scenario
from harness.plan.scenario_json import scenario_from_json, scenario_json
from harness.sim.arms import ARMS, expected_of
from harness.sim.simulation import Outcome, Simulation

__all__ = ["KEY", "Case", "read_case"]

# Of the JSON object, beside the scenario's own keys.
KEY = "simulation"
ArmName = Literal["stub", "tensors"]


@dataclass(frozen=True)
class World:
    """How a scenario was simulated.

    Attributes:
        seed: of the choice tape.
        arm: what it computed with.
        calm: whether no delays were drawn.
    """

    seed: int
    arm: ArmName = "stub"
    calm: bool = False


@dataclass(frozen=True)
class Case:
    """A scenario, and the world in which it runs.

    Attributes:
        scenario: what is run.
        world: how.
    """

    scenario: Scenario
    world: World

    def run(self) -> Outcome:
        """Run it, compared with the undisturbed run."""
        world = self.world
        expected = expected_of(self.scenario, world.arm)
        parts_of = ARMS[world.arm].parts_of
        return Simulation(self.scenario, parts_of, world.seed, expected, calm=world.calm).run()

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        world = TypeAdapter(World).dump_python(self.world, mode="json")
        return {**scenario_json(self.scenario), KEY: world}

    def write(self, path: Path) -> None:
        """Write it to a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.as_json(), indent=2) + "\n")


def read_case(values: dict[str, Any]) -> Case:
    """Return the case that JSON describes; raises `UnusableError` or `ScenarioError`."""
    try:
        world = TypeAdapter(World).validate_python(values.get(KEY, {"seed": 0}))
    except ValidationError as error:
        problem = error.errors()[0]
        raise UnusableError(f"{KEY}.{'.'.join(map(str, problem['loc']))}: {problem['msg']}") from None
    return Case(scenario_from_json({key: value for key, value in values.items() if key != KEY}), world)
