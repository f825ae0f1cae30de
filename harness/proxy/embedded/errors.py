"""Errors of the embedded server; each carries the HTTP status that reports it."""

from typing import ClassVar

__all__ = [
    "ApiError",
    "BadAddressError",
    "BadRequestBodyError",
    "InvalidStreamError",
    "InvalidToxicTypeError",
    "ListenFailedError",
    "MissingFieldError",
    "ProxyAlreadyExistsError",
    "ProxyNotFoundError",
    "ToxicAlreadyExistsError",
    "ToxicNotFoundError",
]


class ApiError(Exception):
    """A refusal whose text is the `error` of the reply."""

    status: ClassVar[int] = 400


class BadRequestBodyError(ApiError):
    """The body is not JSON, or a value in it has the wrong type or range."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"bad request body: {problem}")


class MissingFieldError(ApiError):
    """A required field is absent or empty."""

    def __init__(self, field: str, where: str = "") -> None:
        super().__init__(f"missing required field: {field}{where}")


class InvalidStreamError(ApiError):
    """A toxic's stream is neither upstream nor downstream."""

    def __init__(self) -> None:
        super().__init__("stream was invalid, can be either upstream or downstream")


class InvalidToxicTypeError(ApiError):
    """No toxic of that type is registered."""

    def __init__(self) -> None:
        super().__init__("invalid toxic type")


class ProxyNotFoundError(ApiError):
    """No proxy of that name."""

    status = 404

    def __init__(self) -> None:
        super().__init__("proxy not found")


class ToxicNotFoundError(ApiError):
    """The proxy has no toxic of that name."""

    status = 404

    def __init__(self) -> None:
        super().__init__("toxic not found")


class ProxyAlreadyExistsError(ApiError):
    """A proxy of that name exists."""

    status = 409

    def __init__(self) -> None:
        super().__init__("proxy already exists")


class ToxicAlreadyExistsError(ApiError):
    """The proxy has a toxic of that name, on either stream."""

    status = 409

    def __init__(self) -> None:
        super().__init__("toxic already exists")


class BadAddressError(ApiError):
    """The text is not HOST:PORT, or its host or port cannot be resolved."""

    status = 500


class ListenFailedError(ApiError):
    """The listening address cannot be bound."""

    status = 500

    def __init__(self, problem: str) -> None:
        super().__init__(f"listen tcp{problem}")
