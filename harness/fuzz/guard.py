"""Which requests a trunk must refuse, whatever step its session is at.

A request that a client of the session could legitimately have sent is not malformed, however odd it is: the trunk has
to accept it, and it would change the training. So only requests that certainly must be refused are sent.
"""

import math
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.message import DecodeError, Message

from harness.fuzz.target import FAR_STEP, Target
from splitlearn.wire import compute_service_pb2 as pb

__all__ = ["must_be_refused"]

MOST_MICROBATCHES = 1 << 16
LONGEST_CLIENT = 64
FLOAT32_BYTES = 4


def must_be_refused(target: Target, method: str, body: bytes) -> bool:
    """Return whether no trunk with this session may accept a request."""
    type_of, rule = RULES[method]
    message = type_of()
    try:
        message.ParseFromString(body)
    except DecodeError:
        return True
    return rule(target, message)


def _opening(target: Target, request: pb.OpenSessionRequest) -> bool:
    """Return whether an opening must be refused: for its agreement, or for lack of a client name or a count."""
    if not target.agreement or dict(request.agreement) != dict(target.agreement):
        return True
    return not 0 < len(request.client) <= LONGEST_CLIENT or not request.opening


def _compute(target: Target, request: pb.ComputeRequest) -> bool:
    if _foreign(target, request.key) or _bad_tensor(target, request.smashed):
        return True
    if request.inference:
        return False
    harmless_commit = not request.HasField("commit") or _bad_commit(request.commit)
    return _bad_position(request.key) or (harmless_commit and _bad_step(request.key.step))


def _backward(target: Target, request: pb.BackwardRequest) -> bool:
    bad_key = _foreign(target, request.key) or _bad_position(request.key) or _bad_step(request.key.step)
    return bad_key or _bad_tensor(target, request.features_grad)


def _get_gradients(target: Target, request: pb.GetGradientsRequest) -> bool:
    unknown = any(name not in target.parameters for name in request.names)
    return _foreign(target, request.key) or unknown or _bad_step(request.key.step)


def _sync(target: Target, request: pb.SyncTrainingStateRequest) -> bool:
    actions = pb.SyncTrainingStateRequest.Action
    if request.action not in actions.values():
        return True
    if request.action in (actions.ACTION_CLOSE, actions.ACTION_ABANDON):
        # Closing a session that is not open succeeds: that is how a repetition is answered.
        return request.key.session_id == target.session and request.key.incarnation != target.incarnation
    if _foreign(target, request.key):
        return True
    if request.HasField("commit"):
        return _bad_commit(request.commit)
    return request.action == actions.ACTION_COMMIT or (
        request.action == actions.ACTION_SAVE and _bad_step(request.key.step)
    )


def _foreign(target: Target, key: pb.Key) -> bool:
    return (key.session_id, key.incarnation) != (target.session, target.incarnation)


def _bad_position(key: pb.Key) -> bool:
    return not key.microbatch < key.microbatches <= MOST_MICROBATCHES


def _bad_step(step: int) -> bool:
    """Return whether the step is certainly wrong: the first is over, and no session reaches a far one."""
    return step == 0 or step >= FAR_STEP


def _bad_commit(commit: pb.Commit) -> bool:
    coefficient = commit.clip_coefficient if commit.HasField("clip_coefficient") else 1.0
    possible = 0 <= coefficient <= 1 and 0 <= commit.learning_rate < math.inf
    return not possible or commit.step >= FAR_STEP


def _bad_tensor(target: Target, tensor: pb.Tensor) -> bool:
    """Return whether a tensor is certainly bad; some bad ones are not recognised."""
    shape = list(tensor.shape)
    if tensor.dtype != pb.DTYPE_FLOAT32 or len(shape) != 3 or min(shape) <= 0 or shape[2] != target.hidden_size:
        return True
    if zlib.crc32(tensor.data) != tensor.checksum:
        return True
    size = math.prod(shape) * FLOAT32_BYTES
    return size > target.max_message_bytes or (tensor.codec == "raw" and size != len(tensor.data))


RULES: Mapping[str, tuple[Callable[[], Message], Callable[[Target, Any], bool]]] = {
    "OpenSession": (pb.OpenSessionRequest, _opening),
    "Compute": (pb.ComputeRequest, _compute),
    "Backward": (pb.BackwardRequest, _backward),
    "GetGradients": (pb.GetGradientsRequest, _get_gradients),
    "SyncTrainingState": (pb.SyncTrainingStateRequest, _sync),
}
