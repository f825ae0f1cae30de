"""A fault of any type, as JSON and back."""

from typing import Annotated, TypeAlias

from pydantic import PlainSerializer, PlainValidator

from harness.plan.faults.fault import Fault
from harness.plan.planned_json import planned_from_json, planned_json

__all__ = ["AnyFault"]


def _json(fault: Fault) -> dict[str, object]:
    return {**planned_json(fault), "group": fault.group}


def _from_json(value: object) -> Fault:
    return planned_from_json(value, Fault)  # type: ignore[type-abstract] # the type that is found is not


AnyFault: TypeAlias = Annotated[Fault, PlainValidator(_from_json), PlainSerializer(_json)]
