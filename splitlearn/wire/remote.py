"""The trunk across a wire: the client's calls as messages.

Shapes: B sequences, T positions, H hidden width.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

import torch
from google.protobuf.message import Message

from splitlearn.config import TrainingConfig
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.link import BackwardResult, Commit, Hello, Pending, Position, TrunkState, Welcome
from splitlearn.wire.messages import commit_message, key_message
from splitlearn.wire.reliable import ReliableCalls
from splitlearn.wire.tensors import TensorSpec, decode_tensor, encode_tensor

__all__ = ["RemoteTrunk"]

# How often another client may come between; each of them wants the session for itself.
MAX_TAKEOVERS = 3


class RemoteTrunk:
    """A `TrunkLink` over reliable calls."""

    def __init__(self, calls: ReliableCalls, config: TrainingConfig) -> None:
        self._calls = calls
        self._config = config
        self._client = secrets.token_hex(8)
        self._openings = 0
        self._session_id = ""
        self._incarnation = 0
        self._forwards: dict[Position, pb.ComputeRequest] = {}

    def open(self, hello: Hello) -> Welcome:
        """Open the session, again where the trunk has lost it; raises `WireError` with the field that differs.

        The first time it is taken over from whoever holds it; later only this client's own is: a request of ours that
        was long under way may have opened it.
        """
        self._openings += 1
        request = pb.OpenSessionRequest(
            session_id=hello.session_id,
            agreement=hello.agreement,
            resume_steps=hello.resume_steps,
            resume_session_id=hello.resume_session_id,
            reader=hello.reader,
            client=self._client,
            opening=self._openings,
            replaces=self._incarnation,
        )
        for _ in range(MAX_TAKEOVERS):
            try:
                return self._open(request)
            except WireError as error:
                if error.reason is not Reason.SESSION_HELD:
                    raise
                # A trunk that knows of nobody has another folder than before.
                if self._openings > 1 and error.details["client"] not in ("", self._client):
                    raise WireError(Reason.STALE_INCARNATION, error.message) from None
                request.replaces = int(error.details["incarnation"])
        return self._open(request)

    def _open(self, request: pb.OpenSessionRequest) -> Welcome:
        def read(reply: Message) -> Welcome:
            message = cast("pb.OpenSessionReply", reply)
            return Welcome(message.incarnation, message.applied_step, message.fingerprint)

        welcome = self._calls.call("OpenSession", request, read).result()
        self._session_id, self._incarnation = request.session_id, welcome.incarnation
        self._forwards.clear()
        return welcome

    def forward(
        self, at: Position, smashed_BTH: torch.Tensor, attention_mask_BT: torch.Tensor, commit: Commit | None
    ) -> Pending[torch.Tensor]:
        """Send smashed data, with the commit of the step before; the answer is the features, BTH."""
        request = pb.ComputeRequest(
            key=self._key(at),
            smashed=self._encode(smashed_BTH),
            attention_mask=self._encode_mask(attention_mask_BT),
            commit=commit_message(commit) if commit else None,
        )
        if any(kept.step != at.step for kept in self._forwards):
            self._forwards.clear()
        self._forwards[at] = request
        return self._features(request, smashed_BTH)

    def infer(self, smashed_BTH: torch.Tensor, attention_mask_BT: torch.Tensor) -> Pending[torch.Tensor]:
        """Send smashed data without keeping anything at the trunk; the answer is the features, BTH."""
        request = pb.ComputeRequest(
            key=self._key(Position(0, 0, 1)),
            smashed=self._encode(smashed_BTH),
            attention_mask=self._encode_mask(attention_mask_BT),
            inference=True,
        )
        return self._features(request, smashed_BTH)

    def backward(self, at: Position, features_grad_BTH: torch.Tensor) -> Pending[BackwardResult]:
        """Send the gradient of the features; the forward pass is sent again when the trunk has lost it."""
        request = pb.BackwardRequest(key=self._key(at), features_grad=self._encode(features_grad_BTH))
        spec = self._like("smashed_grad", features_grad_BTH)

        def read(reply: Message) -> BackwardResult:
            message = cast("pb.BackwardReply", reply)
            norms = {entry.name: entry.norm for entry in message.norms}
            return BackwardResult(self._decode(message.smashed_grad, spec), norms)

        return _BackwardAnswer(self._calls, request, self._forwards[at], read)

    def gradients(self, step: int, names: Iterable[str] = ()) -> Mapping[str, torch.Tensor]:
        """Fetch the accumulated gradients of the step in progress; all of the trunk's where no names are given."""
        request = pb.GetGradientsRequest(key=self._key(Position(step, 0, 1)), names=names)

        def read(replies: Sequence[Message]) -> dict[str, torch.Tensor]:
            return dict(self._gradient(cast("pb.Gradient", reply)) for reply in replies)

        return self._calls.collect("GetGradients", request, read).result()

    def commit(self, commit: Commit) -> TrunkState:
        """End a step now, without waiting for the next forward pass."""
        return self._sync(pb.SyncTrainingStateRequest.ACTION_COMMIT, commit)

    def query(self) -> TrunkState:
        """Ask for the state; raises `WireError` when the session is another client's by now, or lost."""
        return self._sync(pb.SyncTrainingStateRequest.ACTION_QUERY, None)

    def save(self, step: int, commit: Commit | None) -> TrunkState:
        """Write the trunk's half of the checkpoint of `step` applied steps, after applying `commit`."""
        return self._sync(pb.SyncTrainingStateRequest.ACTION_SAVE, commit, step)

    def close(self) -> None:
        """End the session and let the trunk forget it."""
        self._sync(pb.SyncTrainingStateRequest.ACTION_CLOSE, None)
        self._calls.transport.close()

    def _sync(self, action: pb.SyncTrainingStateRequest.Action, commit: Commit | None, step: int = 0) -> TrunkState:
        key = self._key(Position(step, 0, 1))
        message = commit_message(commit) if commit else None
        request = pb.SyncTrainingStateRequest(key=key, action=action, commit=message)

        def read(reply: Message) -> TrunkState:
            message = cast("pb.SyncTrainingStateReply", reply)
            return TrunkState(message.applied_step, message.fingerprint)

        return self._calls.call("SyncTrainingState", request, read).result()

    def _features(self, request: pb.ComputeRequest, smashed_BTH: torch.Tensor) -> Pending[torch.Tensor]:
        spec = self._like("features", smashed_BTH)
        return self._calls.call(
            "Compute", request, lambda reply: self._decode(cast("pb.ComputeReply", reply).features, spec)
        )

    def _gradient(self, message: pb.Gradient) -> tuple[str, torch.Tensor]:
        any_shape = (None,) * len(message.gradient.shape)
        spec = TensorSpec(message.name, torch.float32, any_shape, self._config.max_message_bytes)
        return message.name, self._decode(message.gradient, spec)

    def _key(self, at: Position) -> pb.Key:
        return key_message(self._session_id, self._incarnation, at)

    def _encode(self, tensor: torch.Tensor) -> pb.Tensor:
        return encode_tensor(tensor, self._config.codec, self._config.max_message_bytes)

    def _encode_mask(self, mask_BT: torch.Tensor) -> pb.Tensor:
        return encode_tensor(mask_BT.to(torch.uint8), "raw", self._config.max_message_bytes)

    def _decode(self, message: pb.Tensor, spec: TensorSpec) -> torch.Tensor:
        return decode_tensor(message, spec).to(self._config.device)

    def _like(self, name: str, tensor: torch.Tensor) -> TensorSpec:
        return TensorSpec(name, tensor.dtype, tuple(tensor.shape), self._config.max_message_bytes)


class _BackwardAnswer:
    """A backward call under way, whose forward pass can be sent again."""

    def __init__(
        self,
        calls: ReliableCalls,
        request: pb.BackwardRequest,
        forward: pb.ComputeRequest,
        read: Callable[[Message], BackwardResult],
    ) -> None:
        self._calls = calls
        self._request = request
        self._forward = forward
        self._read = read
        self._call = calls.call("Backward", request, read)

    def result(self) -> BackwardResult:
        """Wait for the reply; raises `WireError`."""
        # Each of the step's other requests under way may push the input out once more.
        for _ in range(self._request.key.microbatches):
            try:
                return self._call.result()
            except WireError as error:
                if error.reason is not Reason.FORWARD_NEEDED:
                    raise
            self._calls.call("Compute", self._forward, _unread).result()
            self._call = self._calls.call("Backward", self._request, self._read)
        return self._call.result()


def _unread(_reply: Message) -> None:
    """Nothing in the reply is needed."""
