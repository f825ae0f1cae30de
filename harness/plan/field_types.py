"""The rule that the fields of faults and adversaries, and of their places, have values of their types."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from harness.plan.planned import Planned
from harness.trace.place import At

if TYPE_CHECKING:
    from harness.plan.scenario import Scenario

__all__ = ["fields_have_their_types"]


def fields_have_their_types(scenario: "Scenario") -> Iterator[str]:
    """A field of another type, or a word that it does not know, would end the run with a traceback, or do nothing."""
    for planned in scenario.planned:
        kind = type(planned).__name__
        yield from _mistyped(planned, f"{kind}: ")
        if isinstance(planned.at, At):
            yield from _mistyped(planned.at, f"{kind}: at.")


def _mistyped(owner: Planned | At, named: str) -> Iterator[str]:
    for name, adapter in _adapters(type(owner)).items():  # type: ignore[arg-type] # every type has a hash
        value = getattr(owner, name)
        try:
            # Strictly: what JSON may convert is used here as it is.
            adapter.validate_python(value, strict=True)
        except ValidationError as error:
            yield f"{named}{name} = {value!r}: {error.errors()[0]['msg']}"


@cache
def _adapters(kind: type[Any]) -> Mapping[str, TypeAdapter[Any]]:
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: TypeAdapter(hints[field.name]) for field in fields(kind)}
