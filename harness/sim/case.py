"""A case: a scenario and the simulation settings that reproduce its run, as one JSON file."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from harness.errors import UnusableError
from harness.plan.scenario import Scenario
from harness.plan.scenario_json import scenario_from_json, scenario_json
from harness.sim.arms import ARMS, expected_of
from harness.sim.liveness import LIVENESS_SECONDS
from harness.sim.outcome import Outcome
from harness.sim.simulation import Simulation

__all__ = ["KEY", "Case", "read_case"]

# The key of the simulation settings in the JSON object, beside the scenario's own keys.
KEY = "simulation"
ArmName = Literal["stub", "tensors"]


@dataclass(frozen=True)
class SimulatedIn:
    """The settings of the simulation in which a scenario runs.

    Attributes:
        seed: seed of the choice tape.
        arm: name of the arm, which decides the model.
        calm: whether every draw is 0, so that no random delays are added.
        memory: byte limit for the step in progress at the trunk; 0 means the settings' own.
        step_seconds: virtual seconds for which a client computes in every step.
    """

    # In JSON, an unknown setting is an error, and so is a value out of range.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    seed: Annotated[int, Field(ge=0)]
    arm: ArmName = "stub"
    calm: bool = False
    memory: Annotated[int, Field(ge=0)] = 0
    step_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


@dataclass(frozen=True)
class Case:
    """A scenario, and how to simulate it.

    Attributes:
        scenario: what to run.
        world: the simulation's settings.
    """

    scenario: Scenario
    world: SimulatedIn

    def run(self) -> Outcome:
        """Simulate the scenario, comparing it with its undisturbed run, and return the outcome.

        If the undisturbed run itself violates an invariant, its outcome is returned: there is nothing to compare with.
        """
        world = self.world
        expected = expected_of(self.scenario, world.arm)
        if expected.violation:
            return expected
        parts_of = ARMS[world.arm].parts_of
        return Simulation(
            self.scenario,
            parts_of,
            world.seed,
            expected,
            calm=world.calm,
            memory=world.memory,
            step_seconds=world.step_seconds,
        ).run()

    def as_json(self) -> dict[str, Any]:
        """Return the scenario's JSON object, with the simulation's settings under `KEY`."""
        world = TypeAdapter(SimulatedIn).dump_python(self.world, mode="json")
        return {**scenario_json(self.scenario), KEY: world}

    def write(self, path: Path) -> None:
        """Write the case to a JSON file, creating missing folders."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.as_json(), indent=2) + "\n")


def read_case(values: dict[str, Any]) -> Case:
    """Return the case that a JSON object describes.

    Args:
        values: the parsed object; without the key `KEY`, the case is simulated with seed 0.

    Raises:
        UnusableError: the simulation's settings are invalid.
        ScenarioError: the scenario is invalid.
    """
    try:
        world = TypeAdapter(SimulatedIn).validate_python(values.get(KEY, {"seed": 0}))
    except ValidationError as error:
        problem = error.errors()[0]
        place, told = ".".join(map(str, (KEY, *problem["loc"]))), problem["msg"]
        if problem["type"] == "unexpected_keyword_argument":
            told = f"there is no such setting; leave it out, or give one of {', '.join(_settings())}"
        if problem["type"] == "dataclass_type":
            told = f'give an object such as {{"seed": 0}}; its keys are {", ".join(_settings())}'
        raise UnusableError(f"{place}: {told}") from None
    case = Case(scenario_from_json({key: value for key, value in values.items() if key != KEY}), world)
    _must_be_able_to_end(case)
    return case


def _must_be_able_to_end(case: Case) -> None:
    """Raise `UnusableError` for a world in which the run could not end even without a fault, which is no bug."""
    world, steps = case.world, case.scenario.config.max_steps
    least = min(filter(None, ARMS[world.arm].memories))
    if 0 < world.memory < least:
        raise UnusableError(
            f"{KEY}.memory = {world.memory}: the trunk needs {least} bytes for a step of the arm {world.arm!r}; give "
            "these or more, or 0 for the settings' own limit"
        )
    if world.step_seconds * steps >= LIVENESS_SECONDS:
        raise UnusableError(
            f"{KEY}.step_seconds = {world.step_seconds:g}: {steps} steps take longer than the {LIVENESS_SECONDS:g} s "
            f"that a run may take; give less than {LIVENESS_SECONDS / steps:.4g}"
        )


def _settings() -> tuple[str, ...]:
    return tuple(field.name for field in fields(SimulatedIn))
