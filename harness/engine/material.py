"""Materials by name: functions that make the files that a scenario needs besides its settings."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from harness.plan.scenario import Scenario

__all__ = ["MATERIALS", "Material", "register_material"]

# Writes files into a folder of its own and returns the scenario with settings that name them.
Material: TypeAlias = Callable[[Scenario, Path], Scenario]

MATERIALS: dict[str, Material] = {}


def register_material(name: str) -> Callable[[Material], Material]:
    """Return the decorator that registers a material under the name by which scenarios list it."""

    def register(make: Material) -> Material:
        MATERIALS[name] = make
        return make

    return register
