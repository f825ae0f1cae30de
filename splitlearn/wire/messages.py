"""Converts the small values of the protocol to messages and back."""

from splitlearn.config.data import MAX_MICROBATCHES
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.trunk_link import Commit, Opening, Position

__all__ = ["commit_message", "commit_value", "key_message", "opening_value", "position_value"]

CLIENT_NAME_LENGTH = 64


def key_message(session_id: str, incarnation: int, at: Position) -> pb.Key:
    """Return the key of the microbatch that a request belongs to."""
    return pb.Key(
        session_id=session_id,
        incarnation=incarnation,
        step=at.step,
        microbatch=at.microbatch,
        microbatches=at.microbatches,
    )


def position_value(key: pb.Key) -> Position:
    """Read and check a key's position; raises `WireError`."""
    if not 0 <= key.microbatch < key.microbatches <= MAX_MICROBATCHES:
        allowed = f"microbatch < microbatches <= {MAX_MICROBATCHES}"
        raise WireError(Reason.BAD_REQUEST, f"microbatch {key.microbatch} of {key.microbatches}; allowed is {allowed}")
    return Position(key.step, key.microbatch, key.microbatches)


def commit_message(commit: Commit) -> pb.Commit:
    """Return a commit as a message."""
    return pb.Commit(
        step=commit.step,
        learning_rate=commit.learning_rate,
        clip_coefficient=commit.clip_coefficient,
        skip=commit.skip,
    )


def commit_value(message: pb.Commit) -> Commit:
    """Read and check a commit; raises `WireError`."""
    coefficient = message.clip_coefficient if message.HasField("clip_coefficient") else None
    if coefficient is not None and not 0 <= coefficient <= 1:
        raise WireError(Reason.BAD_REQUEST, f"clip_coefficient {coefficient}; allowed is 0 to 1")
    if not 0 <= message.learning_rate < float("inf"):
        raise WireError(Reason.BAD_REQUEST, f"learning_rate {message.learning_rate}; allowed is finite and >= 0")
    return Commit(message.step, message.learning_rate, coefficient, message.skip)


def opening_value(request: pb.OpenSessionRequest) -> Opening:
    """Read who opens; raises `WireError` if that is missing, because a repetition could not be recognised."""
    if not 0 < len(request.client) <= CLIENT_NAME_LENGTH or not request.opening:
        allowed = f"a name of 1 to {CLIENT_NAME_LENGTH} characters and a count from 1"
        raise WireError(
            Reason.BAD_REQUEST, f"client {request.client[:80]!r}, opening {request.opening}; allowed is {allowed}"
        )
    return Opening(request.client, request.opening)
