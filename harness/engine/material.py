"""Materials by name: functions that make the files that a scenario needs besides its settings."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TypeAlias

from harness.errors import UnusableError
from harness.plan.scenario import Scenario

__all__ = ["MATERIALS", "Material", "kind_of_material", "material_named", "register_material", "write_lines_once"]

# Between the name of a material and what else describes it, as in `lines: {"words": [3, 4]}`.
DESCRIBED_BY = ": "

# Writes files into a folder of its own, each once, and returns the scenario with settings that name them. One that can
# be described has a third parameter, with a default.
Material: TypeAlias = Callable[..., Scenario]

MATERIALS: dict[str, Material] = {}


def register_material(name: str) -> Callable[[Material], Material]:
    """Return the decorator that registers a material under the name by which scenarios list it.

    Raises:
        UnusableError: the name contains what separates a name from a description.
    """
    if DESCRIBED_BY in name:
        raise UnusableError(f"{name!r} contains {DESCRIBED_BY!r}, behind which a material is described; choose another")

    def register(make: Material) -> Material:
        MATERIALS[name] = make
        return make

    return register


def kind_of_material(name: str) -> str:
    """Return the registered name of a material that a scenario lists, without its description."""
    return name.partition(DESCRIBED_BY)[0]


def material_named(name: str) -> Callable[[Scenario, Path], Scenario]:
    """Return the function that makes a material that a scenario lists; raises `KeyError`."""
    kind, described, description = name.partition(DESCRIBED_BY)
    return partial(MATERIALS[kind], described=description) if described else MATERIALS[kind]


def write_lines_once(path: Path, lines: Iterable[str]) -> Path:
    """Write lines to a file, unless it is there: a run that found it there may be reading it. Return the path."""
    if not path.exists():
        path.write_text("\n".join(lines) + "\n")
    return path
