"""The trunk across a wire: the client's calls as messages.

Shapes: B sequences, T positions, H hidden width.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import cast

import torch
from google.protobuf.message import Message

from splitlearn.coding import CodecStates, Slot, Stream
from splitlearn.config import TrainingConfig
from splitlearn.runtime import Runtime
from splitlearn.stopwatch import Watch
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.backward_call import BackwardCall
from splitlearn.wire.conversation import Conversation
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.heartbeat import Heartbeat
from splitlearn.wire.messages import commit_message
from splitlearn.wire.opener import Opener
from splitlearn.wire.reliable import ReliableCalls
from splitlearn.wire.tensors import TensorSpec, decode_tensor, encode_tensor
from splitlearn.wire.trunk_link import BackwardResult, Commit, Hello, Pending, Position, TrunkState, Welcome
from splitlearn.wire.unfinished import Unfinished

__all__ = ["RemoteTrunk"]

# A trunk that misses the leave of a failing client finds out by itself.
LEAVING_SECONDS = 5.0


class RemoteTrunk:
    """A `TrunkLink` over reliable calls."""

    def __init__(self, calls: ReliableCalls, config: TrainingConfig, runtime: Runtime) -> None:
        self._calls = calls
        self._config = config
        self._conversation = Conversation(calls, runtime)
        self._opener = Opener(calls, self._conversation, config.codec)
        self._heartbeat = Heartbeat(calls, self._conversation)
        self._max_message_bytes = config.max_message_bytes
        self._unfinished = Unfinished()
        self.codec_states = CodecStates()
        self._stopping = False

    @property
    def watch(self) -> Watch:
        """Told when an answer is decoded."""
        return self._calls.watch

    @watch.setter
    def watch(self, watch: Watch) -> None:
        self._calls.watch = watch

    @property
    def stopping(self) -> bool:
        """Whether the trunk has announced, since the session was opened, that it is about to stop."""
        return self._stopping

    def open(self, hello: Hello) -> Welcome:
        """Open the session, or reopen one that the trunk has lost; raises `WireError` with the field that differs.

        The first time it is taken over from its holder, if that client is silent or the greeting says so; later only
        from this client itself, whose own delayed request may have opened it.
        """
        self._calls.deadlines.forget_in_flight()  # of a step that was given up
        reply = self._opener.open(hello)
        self._max_message_bytes = min(self._config.max_message_bytes, reply.max_message_bytes)
        self._stopping = False
        self._unfinished.clear()
        return Welcome(reply.incarnation, reply.applied_step, reply.fingerprint)

    def forward(
        self, at: Position, smashed_BTH: torch.Tensor, attention_mask_BT: torch.Tensor, commit: Commit | None
    ) -> Pending[torch.Tensor]:
        """Send smashed data, with the previous step's commit; the answer is the features, BTH."""
        self._note_commit(commit)
        if self._unfinished.begin(at):
            self._calls.deadlines.forget_in_flight()  # of a step that was skipped
        request = pb.ComputeRequest(
            key=self._conversation.key(at),
            smashed=self._encode("smashed", at, smashed_BTH),
            attention_mask=self._encode_mask(attention_mask_BT),
            commit=commit_message(commit) if commit else None,
            finished=self._unfinished.finished,
        )
        self._unfinished.keep(at, request)
        return self._features(request, smashed_BTH, at)

    def infer(self, smashed_BTH: torch.Tensor, attention_mask_BT: torch.Tensor) -> Pending[torch.Tensor]:
        """Send smashed data without keeping anything at the trunk; the answer is the features, BTH."""
        request = pb.ComputeRequest(
            key=self._conversation.key(Position(0, 0, 1)),
            smashed=encode_tensor(smashed_BTH, self._config.codec, self._max_message_bytes),
            attention_mask=self._encode_mask(attention_mask_BT),
            inference=True,
        )
        return self._features(request, smashed_BTH, None)

    def backward(self, at: Position, features_grad_BTH: torch.Tensor) -> Pending[BackwardResult]:
        """Send the gradient of the features; resend the forward pass if the trunk has lost it."""
        request = pb.BackwardRequest(
            key=self._conversation.key(at), features_grad=self._encode("features_grad", at, features_grad_BTH)
        )
        spec = self._like("smashed_grad", features_grad_BTH)

        def read(reply: Message) -> BackwardResult:
            message = cast("pb.BackwardReply", reply)
            self._note(stopping=message.stopping)
            norms = {entry.name: entry.norm for entry in message.norms}
            result = BackwardResult(self._decode("smashed_grad", at, message.smashed_grad, spec), norms)
            self._unfinished.finish(at)
            return result

        return BackwardCall(self._calls, request, self._unfinished.request(at), read)

    def gradients(self, step: int, names: Iterable[str] = ()) -> Mapping[str, torch.Tensor]:
        """Fetch the accumulated gradients of the step in progress; all of the trunk's if no names are given."""
        request = pb.GetGradientsRequest(key=self._conversation.key(Position(step, 0, 1)), names=names)

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
        """Ask for the state; raises `WireError` if the session now belongs to another client, or is lost."""
        return self._sync(pb.SyncTrainingStateRequest.ACTION_QUERY, None)

    def save(self, step: int, commit: Commit | None) -> TrunkState:
        """Write the trunk's half of the checkpoint of `step` applied steps, after applying `commit`."""
        return self._sync(pb.SyncTrainingStateRequest.ACTION_SAVE, commit, step)

    def close(self) -> None:
        """End the session and let the trunk drop it."""
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
        """Tell the trunk that this client is alive, if it has been silent for a while; thread-safe."""
        self._heartbeat.beat()

    def hang_up(self) -> None:
        """Close the connection until the session is opened again."""
        self._conversation.hang_up()

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
        key, message = self._conversation.key(Position(step, 0, 1)), commit_message(commit) if commit else None
        return pb.SyncTrainingStateRequest(key=key, action=action, commit=message)

    def _features(
        self, request: pb.ComputeRequest, smashed_BTH: torch.Tensor, at: Position | None
    ) -> Pending[torch.Tensor]:
        spec = self._like("features", smashed_BTH)

        def read(reply: Message) -> torch.Tensor:
            message = cast("pb.ComputeReply", reply)
            self._note(stopping=message.stopping)
            return self._decode("features", at, message.features, spec)

        return self._calls.call("Compute", request, read, len(request.smashed.data))

    def _note_commit(self, commit: Commit | None) -> None:
        if commit:
            self.codec_states.commit(commit.step, skip=commit.skip)

    def _note(self, *, stopping: bool) -> None:
        self._stopping = self._stopping or stopping

    def _gradient(self, message: pb.Gradient) -> tuple[str, torch.Tensor]:
        any_shape = (None,) * len(message.gradient.shape)
        spec = TensorSpec(message.name, torch.float32, any_shape, self._config.max_message_bytes, "raw")
        return message.name, decode_tensor(message.gradient, spec).to(self._config.device)

    def _encode(self, stream: Stream, at: Position, tensor: torch.Tensor) -> pb.Tensor:
        passage = self.codec_states.passage(Slot(self._config.codec, stream, at.microbatch))
        message = encode_tensor(tensor, self._config.codec, self._max_message_bytes, passage)
        self.codec_states.keep(at.step, passage)
        return message

    def _encode_mask(self, mask_BT: torch.Tensor) -> pb.Tensor:
        return encode_tensor(mask_BT.to(torch.uint8), "raw", self._max_message_bytes)

    def _decode(self, stream: Stream, at: Position | None, message: pb.Tensor, spec: TensorSpec) -> torch.Tensor:
        """Decode a tensor; without a position, as in inference, it leaves no codec state."""
        if at is None:
            return decode_tensor(message, spec).to(self._config.device)
        passage = self.codec_states.passage(Slot(message.codec, stream, at.microbatch))
        tensor = decode_tensor(message, spec, passage).to(self._config.device)
        self.codec_states.keep(at.step, passage)
        return tensor

    def _like(self, name: str, tensor: torch.Tensor) -> TensorSpec:
        shape, codec = tuple(tensor.shape), self._config.codec
        return TensorSpec(name, tensor.dtype, shape, self._config.max_message_bytes, codec)
