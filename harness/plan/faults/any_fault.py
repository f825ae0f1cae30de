"""A fault of any type, a user's own included, as JSON and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, TypeAlias

from pydantic import PlainSerializer, PlainValidator, TypeAdapter, ValidationError

from harness.plan.faults.fault import Fault
from harness.plan.open_type import reference_to, type_at

__all__ = ["AnyFault", "fault_from_json", "fault_json"]


@dataclass(frozen=True)
class Written:
    """What reconstructs a fault; everything else that is written is for people.

    Attributes:
        type: as `reference_to` names it.
        at: where.
        parameters: all other fields.
    """

    type: str
    at: Mapping[str, object]
    parameters: Mapping[str, object] = field(default_factory=dict)


def fault_json(fault: Fault) -> dict[str, object]:
    """Return a fault as JSON: its type and fields, and a description for readers who do not know the type."""
    fields = _adapter(type(fault)).dump_python(fault, mode="json")
    return {
        "name": fault.name,
        "kind": fault.kind,
        "group": fault.group,
        "detail": fault.detail,
        "at": fields.pop("at"),
        "type": reference_to(type(fault)),
        "parameters": fields,
    }


def fault_from_json(value: object) -> Fault:
    """Return the fault that JSON describes; a fault is returned unchanged.

    Raises:
        ScenarioError: its type cannot be found.
        ValueError: a field is missing, unknown, or not allowed.
    """
    if isinstance(value, Fault):
        return value
    written = TypeAdapter(Written).validate_python(value)
    kind = type_at(written.type, Fault)  # type: ignore[type-abstract] # the type that is found is not
    try:
        return _adapter(kind).validate_python({"at": written.at, **written.parameters})
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise ValueError(f"{written.type}: {place}: {problem['msg']}") from None


AnyFault: TypeAlias = Annotated[Fault, PlainValidator(fault_from_json), PlainSerializer(fault_json)]


@cache
def _adapter(kind: type[Fault]) -> TypeAdapter[Fault]:
    return TypeAdapter(kind)
