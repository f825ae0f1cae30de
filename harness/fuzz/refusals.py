"""How a trunk must refuse: the status code of each reason, and words of which its message must contain one."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["REFUSALS", "Refusal"]


@dataclass(frozen=True)
class Refusal:
    """What an answer with a reason must contain: the name of a status code, and one of these words."""

    code: str
    words: tuple[str, ...]


# Written a second time here, so that a trunk that uses another code is caught.
REFUSALS: Mapping[str, Refusal] = {
    "NON_FINITE": Refusal("INVALID_ARGUMENT", ("NaN or infinite",)),
    "BAD_DTYPE": Refusal("INVALID_ARGUMENT", ("expected torch.",)),
    "BAD_SHAPE": Refusal("INVALID_ARGUMENT", ("; expected", "; the model has")),
    "BAD_SIZE": Refusal("INVALID_ARGUMENT", ("sizes begin at 1",)),
    "BAD_DATA": Refusal("INVALID_ARGUMENT", ("bytes instead of", "stream", "allowed are 0 and 1")),
    "DECOMPRESSION_BOMB": Refusal("RESOURCE_EXHAUSTED", ("inflates beyond",)),
    "TOO_LARGE": Refusal("RESOURCE_EXHAUSTED", ("--max-message-bytes",)),
    "UNKNOWN_CODEC": Refusal("INVALID_ARGUMENT", ("known are",)),
    "CORRUPT": Refusal("DATA_LOSS", ("checksum",)),
    "UNKNOWN_SESSION": Refusal("NOT_FOUND", ("open it again",)),
    "STALE_INCARNATION": Refusal("ABORTED", ("was taken over by",)),
    "BAD_REQUEST": Refusal(
        "INVALID_ARGUMENT",
        ("allowed", "there is no", "has no parameter", "no message of this method", "another purpose"),
    ),
    "STEP_IN_PAST": Refusal("OUT_OF_RANGE", ("the trunk has applied",)),
    "STEP_IN_FUTURE": Refusal("OUT_OF_RANGE", ("the trunk has applied",)),
    "NO_GRADIENTS": Refusal("FAILED_PRECONDITION", ("no gradients of step",)),
    "MISMATCH": Refusal("FAILED_PRECONDITION", ("at the client and",)),
}
