"""Faults and adversaries of any type, a user's own included, as JSON and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from harness.plan.open_type import reference_to, type_at
from harness.plan.planned import Planned

__all__ = ["planned_from_json", "planned_json"]

Kind = TypeVar("Kind", bound=Planned)


@dataclass(frozen=True)
class Written:
    """The keys from which the value is created again; all other keys are for people.

    Attributes:
        type: as `reference_to` names it.
        at: where.
        parameters: all other fields.
    """

    type: str
    at: Mapping[str, object]
    parameters: Mapping[str, object] = field(default_factory=dict)


def planned_json(planned: Planned) -> dict[str, object]:
    """Return a value as JSON: its type and fields, and a description for readers that do not know the type."""
    fields = _adapter(type(planned)).dump_python(planned, mode="json")
    return {
        "name": planned.name,
        "kind": planned.kind,
        "detail": planned.detail,
        "at": fields.pop("at"),
        "type": reference_to(type(planned)),
        "parameters": fields,
    }


def planned_from_json(value: object, base: type[Kind]) -> Kind:
    """Return the value that JSON describes; a value that already has the type is returned unchanged.

    Raises:
        ScenarioError: its type cannot be found, or does not extend `base`.
        ValueError: a field is missing, unknown, or not allowed.
    """
    if isinstance(value, base):
        return value
    written = TypeAdapter(Written).validate_python(value)
    kind = type_at(written.type, base)
    try:
        made: Kind = _adapter(kind).validate_python({"at": written.at, **written.parameters})
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise ValueError(f"{written.type}: {place}: {problem['msg']}") from None
    return made


@cache
def _adapter(kind: type[Planned]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
