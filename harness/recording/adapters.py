"""What turns records into JSON and back; kept, because making one takes much longer than using it."""

from typing import Any, TypeVar

from pydantic import TypeAdapter

__all__ = ["adapter_of"]

Record = TypeVar("Record")

_made: dict[type[Any], TypeAdapter[Any]] = {}


def adapter_of(kind: type[Record]) -> TypeAdapter[Record]:
    """Return the adapter of a kind of record."""
    if kind not in _made:
        _made[kind] = TypeAdapter(kind)
    return _made[kind]
