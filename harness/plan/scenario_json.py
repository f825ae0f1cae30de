"""Converts a scenario to JSON, completely, and back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from harness.errors import ScenarioError
from harness.plan.open_type import files_of
from harness.plan.recorded_module import RecordedModule, digests_of, import_recorded
from harness.plan.scenario import Scenario

__all__ = ["SCHEMA", "scenario_from_json", "scenario_json"]

# Version of what is written here. In an older one, missing fields have their defaults; what cannot be read is refused.
SCHEMA = 2
OLDEST = 2
# Keys besides the scenario's fields: written by the recorder of the run, or needed to read the file.
MODULES = ("modules", "module_digests")
BESIDE = frozenset({"schema", *MODULES, "start"})


@dataclass(frozen=True)
class Modules:
    """A user's own modules, by name.

    Attributes:
        modules: their files.
        module_digests: SHA-256 of these, in hexadecimal; in older recordings there are none.
    """

    modules: dict[str, str] = field(default_factory=dict)
    module_digests: dict[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[RecordedModule]:
        """Yield one after another."""
        for name, file in self.modules.items():
            yield RecordedModule(name, Path(file), self.module_digests.get(name))


def scenario_json(scenario: Scenario, modules: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return a scenario as JSON: every field, the schema version, and the files that define a user's own types.

    Args:
        scenario: to be written.
        modules: files of further modules that must be imported before it can be run, by the modules' names.
    """
    files = {**files_of(type(planned) for planned in scenario.planned), **(modules or {})}
    return {
        "schema": SCHEMA,
        **_adapter().dump_python(scenario, mode="json"),
        "modules": files,
        "module_digests": digests_of(files),
    }


def scenario_from_json(values: Mapping[str, Any]) -> Scenario:
    """Return the scenario that JSON describes.

    Raises:
        ScenarioError: its schema version is not supported, or it is invalid; the message says what to do.
        UnusableError: the file of a user's own type raises something.
    """
    schema = values.get("schema", 0)
    if not isinstance(schema, int) or not OLDEST <= schema <= SCHEMA:
        raise ScenarioError(
            f"a scenario of schema {schema} cannot be run again, only those of {OLDEST} to {SCHEMA}; run it by its "
            "name, or with the version that wrote it"
        )
    try:
        for module in TypeAdapter(Modules).validate_python({key: values[key] for key in MODULES if key in values}):
            import_recorded(module)
        return _adapter().validate_python({key: value for key, value in values.items() if key not in BESIDE})
    except ValidationError as error:
        wrong = (f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}" for problem in error.errors())
        raise ScenarioError("not a scenario: " + "\n".join(wrong)) from None


@cache
def _adapter() -> TypeAdapter[Scenario]:
    return TypeAdapter(Scenario)
