"""What is left of a refusal once it has crossed a wire as a gRPC status."""

from dataclasses import dataclass
from typing import Any

from splitlearn.wire.errors import WireError
from splitlearn.wire.status import status_of, wire_error

__all__ = ["as_received"]


def as_received(error: WireError) -> WireError:
    """Return the error that a client reads from the status with which a trunk refuses its request."""
    call: Any = _Ended(status_of(error))
    return wire_error(call, encrypted=False)


@dataclass(frozen=True)
class _Ended:
    """A call that has ended with a status of gRPC's."""

    status: Any

    def code(self) -> Any:  # noqa: ANN401 - as the library has it
        return self.status.code

    def details(self) -> Any:  # noqa: ANN401 - as the library has it
        return self.status.details

    def trailing_metadata(self) -> Any:  # noqa: ANN401 - as the library has it
        return self.status.trailing_metadata
