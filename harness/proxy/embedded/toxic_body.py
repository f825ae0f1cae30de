"""Toxics as they travel over HTTP."""

from dataclasses import asdict, fields, replace

from harness.proxy.embedded.errors import ApiError, BadRequestBodyError, InvalidStreamError
from harness.proxy.embedded.json_body import JsonObject, integer, nested_object, value_of
from harness.proxy.embedded.toxic_link import NamedToxic
from harness.proxy.embedded.toxics import EmbeddedToxic, toxic_type

__all__ = ["new_toxic", "shown_toxic", "updated_toxic"]


def shown_toxic(named: NamedToxic) -> dict[str, object]:
    """Return what a GET of the toxic returns."""
    whole = named.toxicity.is_integer()
    return {
        "attributes": asdict(named.toxic),
        "name": named.name,
        "type": named.toxic.type,
        "stream": named.stream,
        "toxicity": int(named.toxicity) if whole else named.toxicity,
    }


def new_toxic(body: JsonObject) -> NamedToxic:
    """Read a toxic to be created; raises ApiError."""
    kind = value_of(body, "type", "")
    stream = value_of(body, "stream", "downstream")
    toxicity = _toxicity(body, 1.0)
    if stream.lower() not in {"upstream", "downstream"}:
        raise InvalidStreamError
    toxic = toxic_type(kind)
    name = value_of(body, "name", "") or f"{kind}_{stream}"
    attributes, errors = _attributes(toxic, nested_object(body, "attributes"))
    if errors:
        raise errors[0]
    return NamedToxic(name, stream, toxicity, toxic(**attributes))


def updated_toxic(named: NamedToxic, body: JsonObject) -> tuple[NamedToxic, list[ApiError]]:
    """Merge the valid attributes of `body` into a toxic, and list the errors; raises ApiError if none is valid.

    As on the original, an error keeps the old toxicity but not the attributes that were right.
    """
    toxicity = _toxicity(body, named.toxicity)
    attributes, errors = _attributes(type(named.toxic), nested_object(body, "attributes"))
    toxic = replace(named.toxic, **attributes)
    return replace(named, toxic=toxic, toxicity=named.toxicity if errors else toxicity), errors


def _attributes(toxic: type[EmbeddedToxic], given: JsonObject) -> tuple[dict[str, int], list[ApiError]]:
    good: dict[str, int] = {}
    errors: list[ApiError] = []
    for field in fields(toxic):
        if field.name in given:
            try:
                good[field.name] = integer(given, field.name)
            except BadRequestBodyError as error:
                errors.append(error)
    return good, errors


def _toxicity(body: JsonObject, default: float) -> float:
    toxicity = value_of(body, "toxicity", default)
    if not 0 <= toxicity <= 1:
        raise BadRequestBodyError("toxicity must be between 0 and 1")
    return toxicity
