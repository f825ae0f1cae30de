"""A scenario as JSON, complete, and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from harness.errors import ScenarioError
from harness.plan.open_type import files_of, import_files
from harness.plan.scenario import Scenario

__all__ = ["SCHEMA", "scenario_from_json", "scenario_json"]

# Of what is written; what an older one lacks has its default, and what cannot be read so is refused.
SCHEMA = 1
OLDEST = 1
# Beside the fields of the scenario: of those who record it, and for reading it.
BESIDE = frozenset({"schema", "modules", "start"})


@dataclass(frozen=True)
class Modules:
    """Files of a user's own modules, by the modules' names."""

    modules: dict[str, str]


def scenario_json(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as JSON: every field, the schema's number, and the files that define a user's own types."""
    files = files_of(type(planned) for planned in scenario.planned)
    return {"schema": SCHEMA, **_adapter().dump_python(scenario, mode="json"), "modules": files}


def scenario_from_json(values: Mapping[str, Any]) -> Scenario:
    """Return the scenario that JSON describes.

    Raises:
        ScenarioError: it is of a schema that cannot be read, or makes no sense; the message says what to do.
        UnusableError: the file of a user's own type raises something.
    """
    schema = values.get("schema", 0)
    if not isinstance(schema, int) or not OLDEST <= schema <= SCHEMA:
        raise ScenarioError(
            f"a scenario of schema {schema} cannot be run again, only those of {OLDEST} to {SCHEMA}; run it by its "
            "name, or with the version that wrote it"
        )
    try:
        import_files(TypeAdapter(Modules).validate_python({"modules": values.get("modules", {})}).modules)
        return _adapter().validate_python({key: value for key, value in values.items() if key not in BESIDE})
    except ValidationError as error:
        wrong = (f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}" for problem in error.errors())
        raise ScenarioError("not a scenario: " + "\n".join(wrong)) from None


@cache
def _adapter() -> TypeAdapter[Scenario]:
    return TypeAdapter(Scenario)
