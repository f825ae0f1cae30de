"""The trunk in the client's own process: no wire, the same state machine.

Shapes: B sequences, T positions, H hidden width.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

import torch

from splitlearn.agreement import trunk_settings
from splitlearn.codecs import CODECS
from splitlearn.coding import CodecStates, Passage, Slot, Stream
from splitlearn.config import TrainingConfig
from splitlearn.models.family import ModelIdentity, TrunkStage
from splitlearn.probe import Probe
from splitlearn.runtime import Disk
from splitlearn.stopwatch import UNWATCHED, Watch
from splitlearn.tensor_log import TensorLog
from splitlearn.trunk.checkpoints import TrunkCheckpoints
from splitlearn.trunk.session import TrunkSession
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.outcome import Ready
from splitlearn.wire.tensors import all_finite
from splitlearn.wire.trunk_link import BackwardResult, Commit, Hello, Pending, Position, TrunkState, Welcome

__all__ = ["LocalTrunk"]


class LocalTrunk:
    """A `TrunkLink` that calls the trunk's state machine directly; codecs are still applied.

    It is the lowest rung of the equivalence ladder and deliberately avoids the wire: no messages, no dispatch, no
    `DirectTransport`. So a fault seen here is in the session, and one seen only above it is in the wire.
    """

    stopping = False

    def __init__(
        self,
        config: TrainingConfig,
        identity: ModelIdentity,
        load_stage: Callable[[], TrunkStage],
        probe: Probe,
        tensor_log: TensorLog,
        disk: Disk,
    ) -> None:
        self._config = config
        self._session = TrunkSession(load_stage(), config, probe, tensor_log)
        settings = trunk_settings(config, identity)
        self._checkpoints = TrunkCheckpoints(disk, config.save_dir, config.session, settings, probe)
        self._inputs: dict[Position, tuple[torch.Tensor, torch.Tensor]] = {}
        self.codec_states = CodecStates()
        self.watch: Watch = UNWATCHED

    def open(self, hello: Hello) -> Welcome:
        """Start, or resume from the newest step that both halves have."""
        if hello.resume_steps:
            self._checkpoints.resume(self._session, hello.resume_steps)
        else:
            self._checkpoints.check_room()
        return Welcome(1, self._session.applied_step, self._session.fingerprint())

    def forward(
        self, at: Position, smashed_BTH: torch.Tensor, attention_mask_BT: torch.Tensor, commit: Commit | None
    ) -> Pending[torch.Tensor]:
        """Run a microbatch forward."""
        if any(kept.step != at.step for kept in self._inputs):
            self._inputs.clear()
        with self.watch.part("forward_wait"):
            if commit:
                self.commit(commit)
            self._inputs[at] = self._to_trunk("smashed", at, smashed_BTH), attention_mask_BT
            return Ready(self._to_client("features", at, self._session.forward(at, *self._inputs[at], commit)))

    def backward(self, at: Position, features_grad_BTH: torch.Tensor) -> Pending[BackwardResult]:
        """Run a microbatch backward; rerun the forward pass if the session has dropped it."""
        with self.watch.part("backward_wait"):
            gradient_BTH = self._to_trunk("features_grad", at, features_grad_BTH)
            try:
                result = self._session.backward(at, gradient_BTH)
            except WireError as error:
                if error.reason is not Reason.FORWARD_NEEDED:
                    raise
                self._session.forward(at, *self._inputs[at], None)
                result = self._session.backward(at, gradient_BTH)
            del self._inputs[at]
            self._session.release(at, at.microbatch + 1)
            return Ready(BackwardResult(self._to_client("smashed_grad", at, result.smashed_grad_BTH), result.norms))

    def infer(self, smashed_BTH: torch.Tensor, attention_mask_BT: torch.Tensor) -> Pending[torch.Tensor]:
        """Run forward without keeping anything."""
        received_BTH = self._cross(smashed_BTH, Passage(), Passage())
        return Ready(self._cross(self._session.infer(received_BTH, attention_mask_BT), Passage(), Passage()))

    def gradients(self, step: int, names: Iterable[str] = ()) -> Mapping[str, torch.Tensor]:
        """Return the accumulated gradients of the step in progress."""
        assert step == self._session.applied_step
        return self._session.gradients(names)

    def commit(self, commit: Commit) -> TrunkState:
        """End a step now."""
        self.codec_states.commit(commit.step, skip=commit.skip)
        self._session.commit(commit)
        return TrunkState(self._session.applied_step, "")

    def save(self, step: int, commit: Commit | None) -> TrunkState:
        """Write the trunk's half of the checkpoint of `step` applied steps, after applying `commit`."""
        if commit:
            self.commit(commit)
        assert step == self._session.applied_step
        return TrunkState(step, self._checkpoints.save(self._session))

    def query(self) -> TrunkState:
        """Return the state."""
        return TrunkState(self._session.applied_step, "")

    def close(self) -> None:
        """Do nothing: the session ends with the process."""

    def leave(self, *, saved: bool) -> None:
        """Remove what was saved of a run if the client has saved nothing."""
        if not saved:
            with suppress(WireError):
                self._checkpoints.discard()

    def _to_trunk(self, stream: Stream, at: Position, tensor: torch.Tensor) -> torch.Tensor:
        slot = Slot(self._config.codec, stream, at.microbatch)
        sent, received = self.codec_states.passage(slot), self._session.codec_states.passage(slot)
        crossed = self._cross(tensor, sent, received)
        self.codec_states.keep(at.step, sent)
        self._session.remember(at, received)
        return crossed

    def _to_client(self, stream: Stream, at: Position, tensor: torch.Tensor) -> torch.Tensor:
        slot = Slot(self._config.codec, stream, at.microbatch)
        sent, received = self._session.codec_states.passage(slot), self.codec_states.passage(slot)
        crossed = self._cross(tensor, sent, received)
        self._session.remember(at, sent)
        self.codec_states.keep(at.step, received)
        return crossed

    def _cross(self, tensor: torch.Tensor, sent: Passage, received: Passage) -> torch.Tensor:
        codec = CODECS[self._config.codec]
        plain = tensor.detach().cpu().contiguous()
        decoded = received.decode(codec, sent.encode(codec, plain), plain.dtype, tuple(plain.shape))
        if not all_finite(decoded):
            raise WireError(Reason.NON_FINITE, "a tensor at a cut has elements that are NaN or infinite")
        return decoded.to(tensor.device)
