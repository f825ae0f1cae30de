"""JSON as clients send it: keys in any case, unknown keys ignored, null means default."""

import json
from collections.abc import Mapping
from typing import TypeVar

from harness.proxy.embedded.errors import BadRequestBodyError

__all__ = ["JsonObject", "integer", "json_list", "json_object", "nested_object", "value_of"]

JsonObject = Mapping[str, object]
"""Keys are in lower case; entries that were null are absent."""
ValueT = TypeVar("ValueT")

_INT64 = range(-(2**63), 2**63)
_HUGE = 2**1000  # larger integers do not fit a float


def json_object(body: bytes) -> JsonObject:
    """Decode a request body; null is an empty object. Raises BadRequestBodyError."""
    return _as_object(_decode(body), "the body")


def json_list(body: bytes) -> list[JsonObject]:
    """Decode a body that is a list of objects; raises BadRequestBodyError."""
    value = _decode(body)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadRequestBodyError("the body must be a list")
    return [_as_object(entry, "an entry") for entry in value]


def nested_object(body: JsonObject, key: str) -> JsonObject:
    """Return the object under `key`, empty if absent; raises BadRequestBodyError."""
    return _as_object(body.get(key, {}), key)


def value_of(body: JsonObject, key: str, default: ValueT) -> ValueT:
    """Return the value under `key`, of the type of `default`; raises BadRequestBodyError.

    An integer is welcome where a float belongs.
    """
    value = body.get(key, default)
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = max(-_HUGE, min(_HUGE, value)) * 1.0
    if type(value) is not type(default):
        raise BadRequestBodyError(f"{key} must be of type {type(default).__name__}, not {type(value).__name__}")
    return value


def integer(body: JsonObject, key: str) -> int:
    """Return the integer under `key`, which must be present and fit 64 bits; raises BadRequestBodyError."""
    value = value_of(body, key, 0)
    if value not in _INT64:
        raise BadRequestBodyError(f"{key} must fit in 64 bits")
    return value


def _decode(body: bytes) -> object:
    text = body.decode(errors="replace").lstrip()
    if not text:
        raise BadRequestBodyError("EOF")
    try:
        # Like the original, one value is read and whatever follows it is ignored.
        value: object = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode(text)[0]
    except (ValueError, RecursionError) as error:
        raise BadRequestBodyError(str(error)) from error
    return value


def _refuse_constant(name: str) -> object:
    raise BadRequestBodyError(f"{name} is not JSON")


def _as_object(value: object, what: str) -> JsonObject:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequestBodyError(f"{what} must be an object, not {type(value).__name__}")
    return {key.lower(): entry for key, entry in value.items() if entry is not None}
