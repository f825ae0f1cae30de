"""The trunk across a wire: the client's calls as messages.

Shapes: B sequences, T positions, H hidden width.
"""

import os
import re
import secrets
import socket
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import cast

import torch
from google.protobuf.message import Message

from splitlearn.coding import CodecStates, Slot, Stream
from splitlearn.config import TrainingConfig
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.heartbeat import BEAT_SECONDS
from splitlearn.wire.messages import commit_message, key_message
from splitlearn.wire.reliable import ReliableCalls
from splitlearn.wire.tensors import TensorSpec, decode_tensor, encode_tensor
from splitlearn.wire.trunk_link import BackwardResult, Commit, Hello, Pending, Position, TrunkState, Welcome

__all__ = ["RemoteTrunk"]

# How often another client may come between; each of them wants the session for itself.
MAX_TAKEOVERS = 3

# How a beat ends at a trunk that is busy or full, or when this side gives the connection up.
SAYS_NOTHING = (Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED, Code.CANCELLED)

# A trunk that does not take the leave of a client that fails finds out by itself.
LEAVING_SECONDS = 5.0


class RemoteTrunk:
    """A `TrunkLink` over reliable calls."""

    def __init__(self, calls: ReliableCalls, config: TrainingConfig) -> None:
        self._calls = calls
        self._config = config
        self._client = _own_name()
        self._openings = 0
        self._session_id = ""
        self._incarnation = 0
        # When it was last spoken, by the clock of the calls; the transport is hung up only while nobody speaks.
        self._spoke = calls.clock.now()
        self._speaking = threading.Lock()
        self._max_message_bytes = config.max_message_bytes
        self._forwards: dict[Position, pb.ComputeRequest] = {}
        self.codec_states = CodecStates()
        self._stopping = False

    @property
    def stopping(self) -> bool:
        """Whether the trunk has said that it is about to end, since the session was opened."""
        return self._stopping

    def open(self, hello: Hello) -> Welcome:
        """Open the session, again where the trunk has lost it; raises `WireError` with the field that differs.

        The first time it is taken over from whoever holds it, if that client is silent or the greeting says so; later
        only this client's own is: a request of ours that was long under way may have opened it.
        """
        if self._openings and not self._session_id:
            self._calls.transport.renew()  # it was hung up
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
                others = error.details["client"] not in ("", self._client)
                if others and self._incarnation:
                    raise WireError(Reason.STALE_INCARNATION, error.message) from None
                if others and "silent" in error.details and not hello.take_over:
                    raise
                request.replaces = int(error.details["incarnation"])
        return self._open(request)

    def _open(self, request: pb.OpenSessionRequest) -> Welcome:
        def read(reply: Message) -> Welcome:
            message = cast("pb.OpenSessionReply", reply)
            if not message.incarnation or message.applied_step not in (0, *request.resume_steps):
                said = f"incarnation {message.incarnation} at step {message.applied_step}"
                raise WireError(Reason.TRANSPORT, f"the trunk opened {said}, which was not asked for", Code.DATA_LOSS)
            self._max_message_bytes = min(self._config.max_message_bytes, message.max_message_bytes)
            return Welcome(message.incarnation, message.applied_step, message.fingerprint)

        welcome = self._calls.call("OpenSession", request, read).result()
        self._session_id, self._incarnation = request.session_id, welcome.incarnation
        self._stopping = False
        self._forwards.clear()
        return welcome

    def forward(
        self, at: Position, smashed_BTH: torch.Tensor, attention_mask_BT: torch.Tensor, commit: Commit | None
    ) -> Pending[torch.Tensor]:
        """Send smashed data, with the commit of the step before; the answer is the features, BTH."""
        self._note_commit(commit)
        request = pb.ComputeRequest(
            key=self._key(at),
            smashed=self._encode("smashed", at, smashed_BTH),
            attention_mask=self._encode_mask(attention_mask_BT),
            commit=commit_message(commit) if commit else None,
        )
        if any(kept.step != at.step for kept in self._forwards):
            self._forwards.clear()
        self._forwards[at] = request
        return self._features(request, smashed_BTH, at)

    def infer(self, smashed_BTH: torch.Tensor, attention_mask_BT: torch.Tensor) -> Pending[torch.Tensor]:
        """Send smashed data without keeping anything at the trunk; the answer is the features, BTH."""
        request = pb.ComputeRequest(
            key=self._key(Position(0, 0, 1)),
            smashed=encode_tensor(smashed_BTH, self._config.codec, self._max_message_bytes),
            attention_mask=self._encode_mask(attention_mask_BT),
            inference=True,
        )
        return self._features(request, smashed_BTH, None)

    def backward(self, at: Position, features_grad_BTH: torch.Tensor) -> Pending[BackwardResult]:
        """Send the gradient of the features; the forward pass is sent again when the trunk has lost it."""
        request = pb.BackwardRequest(
            key=self._key(at), features_grad=self._encode("features_grad", at, features_grad_BTH)
        )
        spec = self._like("smashed_grad", features_grad_BTH)

        def read(reply: Message) -> BackwardResult:
            message = cast("pb.BackwardReply", reply)
            self._note(stopping=message.stopping)
            norms = {entry.name: entry.norm for entry in message.norms}
            return BackwardResult(self._decode("smashed_grad", at, message.smashed_grad, spec), norms)

        return _BackwardAnswer(self._calls, request, self._forwards[at], read)

    def gradients(self, step: int, names: Iterable[str] = ()) -> Mapping[str, torch.Tensor]:
        """Fetch the accumulated gradients of the step in progress; all of the trunk's where no names are given."""
        request = pb.GetGradientsRequest(key=self._key(Position(step, 0, 1)), names=names)

        def read(replies: Sequence[Message]) -> dict[str, torch.Tensor]:
            messages = [cast("pb.Gradient", reply) for reply in replies]
            if not messages or messages[-1].left:
                raise WireError(Reason.TRANSPORT, "the stream of gradients ended before its end", Code.DATA_LOSS)
            return dict(self._gradient(message) for message in messages)

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
        self.hang_up()

    def leave(self, *, saved: bool) -> None:
        """Close after an error, without insisting."""
        actions = pb.SyncTrainingStateRequest
        request = self._sync_request(actions.ACTION_CLOSE if saved else actions.ACTION_ABANDON, None)
        with suppress(WireError):
            self._calls.attempt("SyncTrainingState", request, LEAVING_SECONDS).result()
        self.hang_up()

    def beat(self) -> None:
        """Let the trunk know that this client is there, when it has not spoken for a while; may be another thread.

        The answer says nothing that the next call does not find out by itself. It is awaited because gRPC cancels a
        call that nobody holds, and outside the lock because hanging up, which ends the call, must not wait for it.
        """
        with self._speaking:
            if not self._session_id or self._calls.clock.now() - self._spoke < BEAT_SECONDS:
                return
            request = self._sync_request(pb.SyncTrainingStateRequest.ACTION_QUERY, None)
            answer = self._calls.attempt("SyncTrainingState", request, self._calls.policy.timeout)
        try:
            answer.result()
        except WireError as error:
            self._note_failed_beat(error)
        else:
            self._calls.answered()

    def hang_up(self) -> None:
        """Give up the connection; it is made anew when the session is opened again, and not before."""
        with self._speaking:
            self._session_id = ""
            self._calls.transport.close()

    def _note_failed_beat(self, error: WireError) -> None:
        """Have the connection made anew after a few in a row: its memory of earlier headers can be wrong for good.

        A trunk that is late or refuses is there. It may be busy with a call of this very client, which must go on.
        """
        if not error.blames_connection:
            self._calls.answered()
        elif error.code not in SAYS_NOTHING:
            with self._speaking:
                if self._session_id:
                    self._calls.doubt_connection(error)

    def _sync(self, action: pb.SyncTrainingStateRequest.Action, commit: Commit | None, step: int = 0) -> TrunkState:
        def read(reply: Message) -> TrunkState:
            message = cast("pb.SyncTrainingStateReply", reply)
            self._note(stopping=message.stopping)
            return TrunkState(message.applied_step, message.fingerprint)

        self._note_commit(commit)
        return self._calls.call("SyncTrainingState", self._sync_request(action, commit, step), read).result()

    def _sync_request(
        self, action: pb.SyncTrainingStateRequest.Action, commit: Commit | None, step: int = 0
    ) -> pb.SyncTrainingStateRequest:
        message = commit_message(commit) if commit else None
        return pb.SyncTrainingStateRequest(key=self._key(Position(step, 0, 1)), action=action, commit=message)

    def _features(
        self, request: pb.ComputeRequest, smashed_BTH: torch.Tensor, at: Position | None
    ) -> Pending[torch.Tensor]:
        spec = self._like("features", smashed_BTH)

        def read(reply: Message) -> torch.Tensor:
            message = cast("pb.ComputeReply", reply)
            self._note(stopping=message.stopping)
            return self._decode("features", at, message.features, spec)

        return self._calls.call("Compute", request, read)

    def _note_commit(self, commit: Commit | None) -> None:
        if commit:
            self.codec_states.commit(commit.step, skip=commit.skip)

    def _note(self, *, stopping: bool) -> None:
        self._stopping = self._stopping or stopping

    def _gradient(self, message: pb.Gradient) -> tuple[str, torch.Tensor]:
        any_shape = (None,) * len(message.gradient.shape)
        spec = TensorSpec(message.name, torch.float32, any_shape, self._config.max_message_bytes)
        return message.name, decode_tensor(message.gradient, spec).to(self._config.device)

    def _key(self, at: Position) -> pb.Key:
        self._spoke = self._calls.clock.now()
        return key_message(self._session_id, self._incarnation, at)

    def _encode(self, stream: Stream, at: Position, tensor: torch.Tensor) -> pb.Tensor:
        passage = self.codec_states.passage(Slot(self._config.codec, stream, at.microbatch))
        message = encode_tensor(tensor, self._config.codec, self._max_message_bytes, passage)
        self.codec_states.keep(at.step, passage)
        return message

    def _encode_mask(self, mask_BT: torch.Tensor) -> pb.Tensor:
        return encode_tensor(mask_BT.to(torch.uint8), "raw", self._max_message_bytes)

    def _decode(self, stream: Stream, at: Position | None, message: pb.Tensor, spec: TensorSpec) -> torch.Tensor:
        """Decode a microbatch's tensor; one of no microbatch, in inference, leaves no state."""
        if at is None:
            return decode_tensor(message, spec).to(self._config.device)
        passage = self.codec_states.passage(Slot(message.codec, stream, at.microbatch))
        tensor = decode_tensor(message, spec, passage).to(self._config.device)
        self.codec_states.keep(at.step, passage)
        return tensor

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


def _own_name() -> str:
    """Name this process so that a person knows it and no other has the name: host, process and chance."""
    host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:32]
    return f"{host}-{os.getpid()}-{secrets.token_hex(8)}"
