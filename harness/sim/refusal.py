"""Converts a trunk's error into the one that a client decodes from the gRPC status."""

from dataclasses import dataclass
from typing import Any

from splitlearn.wire.errors import WireError
from splitlearn.wire.status import status_of, wire_error

__all__ = ["as_received"]


def as_received(error: WireError) -> WireError:
    """Return the error that a client decodes from the gRPC status of a trunk's error.

    A status carries less than the error: long texts are clipped, for example.
    """
    call: Any = _Ended(status_of(error))
    return wire_error(call, encrypted=False)


@dataclass(frozen=True)
class _Ended:
    """A finished gRPC call, reduced to its status."""

    status: Any

    def code(self) -> Any:  # noqa: ANN401 - as the library has it
        return self.status.code

    def details(self) -> Any:  # noqa: ANN401 - as the library has it
        return self.status.details

    def trailing_metadata(self) -> Any:  # noqa: ANN401 - as the library has it
        return self.status.trailing_metadata
