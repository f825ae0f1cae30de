"""Errors that a peer can be told, independent of the transport.

The codes are gRPC's, used as documented; the reason says which rule of the protocol was broken.
"""

from collections.abc import Mapping
from enum import Enum

from splitlearn.wire.words import printable

__all__ = ["Code", "Reason", "WireError"]


class Code(Enum):
    """The gRPC status codes in use, by number."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class Reason(Enum):
    """Why a request was refused; each reason has one code."""

    TRANSPORT = "TRANSPORT"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    MISMATCH = "MISMATCH"
    UNKNOWN_SESSION = "UNKNOWN_SESSION"
    SESSION_HELD = "SESSION_HELD"
    TOO_MANY_SESSIONS = "TOO_MANY_SESSIONS"
    STALE_INCARNATION = "STALE_INCARNATION"
    STEP_IN_PAST = "STEP_IN_PAST"
    STEP_IN_FUTURE = "STEP_IN_FUTURE"
    INCOMPLETE_STEP = "INCOMPLETE_STEP"
    FORWARD_NEEDED = "FORWARD_NEEDED"
    OUT_OF_ORDER = "OUT_OF_ORDER"
    NO_GRADIENTS = "NO_GRADIENTS"
    KEY_REUSED = "KEY_REUSED"
    BAD_REQUEST = "BAD_REQUEST"
    BAD_DTYPE = "BAD_DTYPE"
    BAD_SHAPE = "BAD_SHAPE"
    BAD_SIZE = "BAD_SIZE"
    BAD_DATA = "BAD_DATA"
    DECOMPRESSION_BOMB = "DECOMPRESSION_BOMB"
    UNKNOWN_CODEC = "UNKNOWN_CODEC"
    CORRUPT = "CORRUPT"
    NON_FINITE = "NON_FINITE"
    NON_FINITE_RESULT = "NON_FINITE_RESULT"
    TOO_LARGE = "TOO_LARGE"
    WRONG_MODE = "WRONG_MODE"
    NO_CHECKPOINT = "NO_CHECKPOINT"
    SAVE_FAILED = "SAVE_FAILED"
    BUG = "BUG"


CODES = {
    Reason.TRANSPORT: Code.UNAVAILABLE,
    Reason.UNAUTHENTICATED: Code.UNAUTHENTICATED,
    Reason.MISMATCH: Code.FAILED_PRECONDITION,
    Reason.UNKNOWN_SESSION: Code.NOT_FOUND,
    Reason.SESSION_HELD: Code.ABORTED,
    Reason.TOO_MANY_SESSIONS: Code.RESOURCE_EXHAUSTED,
    Reason.STALE_INCARNATION: Code.ABORTED,
    Reason.STEP_IN_PAST: Code.OUT_OF_RANGE,
    Reason.STEP_IN_FUTURE: Code.OUT_OF_RANGE,
    Reason.INCOMPLETE_STEP: Code.FAILED_PRECONDITION,
    Reason.FORWARD_NEEDED: Code.FAILED_PRECONDITION,
    Reason.OUT_OF_ORDER: Code.UNAVAILABLE,
    Reason.NO_GRADIENTS: Code.FAILED_PRECONDITION,
    Reason.KEY_REUSED: Code.INVALID_ARGUMENT,
    Reason.BAD_REQUEST: Code.INVALID_ARGUMENT,
    Reason.BAD_DTYPE: Code.INVALID_ARGUMENT,
    Reason.BAD_SHAPE: Code.INVALID_ARGUMENT,
    Reason.BAD_SIZE: Code.INVALID_ARGUMENT,
    Reason.BAD_DATA: Code.INVALID_ARGUMENT,
    Reason.DECOMPRESSION_BOMB: Code.RESOURCE_EXHAUSTED,
    Reason.UNKNOWN_CODEC: Code.INVALID_ARGUMENT,
    Reason.CORRUPT: Code.DATA_LOSS,
    Reason.NON_FINITE: Code.INVALID_ARGUMENT,
    Reason.NON_FINITE_RESULT: Code.OUT_OF_RANGE,
    Reason.TOO_LARGE: Code.RESOURCE_EXHAUSTED,
    Reason.WRONG_MODE: Code.FAILED_PRECONDITION,
    Reason.NO_CHECKPOINT: Code.FAILED_PRECONDITION,
    Reason.SAVE_FAILED: Code.UNAVAILABLE,
    Reason.BUG: Code.INTERNAL,
}


class WireError(Exception):
    """A refused or failed call.

    Attributes:
        reason: the rule that was broken.
        message: for people; names the field, the value and what is allowed. Text from a peer in it is safe to show.
        code: the status code; follows from the reason, except for failures of the transport itself.
        details: for programs, by name; depends on the reason.
    """

    def __init__(
        self, reason: Reason, message: str, code: Code | None = None, details: Mapping[str, str] | None = None
    ) -> None:
        self.reason = reason
        self.message = printable(message)
        self.code = code or CODES[reason]
        self.details = {name: printable(value) for name, value in (details or {}).items()}
        super().__init__(f"{reason.value}: {self.message}")

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed if it is sent again."""
        # A transport failure may have any code, because an altered bit can change it.
        return self.reason in (Reason.TRANSPORT, Reason.CORRUPT, Reason.OUT_OF_ORDER)

    @property
    def blames_connection(self) -> bool:
        """Whether the connection itself may be to blame: its memory of headers can be wrong permanently."""
        return self.reason in (Reason.TRANSPORT, Reason.CORRUPT, Reason.UNAUTHENTICATED)
