"""The trunk's state machine: no sockets, no clock, no threads.

Every call may be repeated: the answer is the same and nothing happens twice.
Shapes: B sequences, T positions, H hidden width.
"""

from collections.abc import Iterable

import torch

from splitlearn.checkpoint import CheckpointHalf
from splitlearn.coding import CodecStates, Passage, StatesTooLargeError
from splitlearn.config import TrainingConfig
from splitlearn.determinism import stage_scope
from splitlearn.models.family import TrunkStage, fingerprint
from splitlearn.optimizer import apply_update, build_optimizer, load_optimizer_state, optimizer_state
from splitlearn.probe import Probe
from splitlearn.tensor_log import TensorLog
from splitlearn.trunk.accumulator import Accumulator
from splitlearn.trunk.passes import PassCounter
from splitlearn.trunk.tape import Graph, Tape, TapeEntry, recorded_graph
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.trunk_link import BackwardResult, Commit, Position

__all__ = ["TrunkSession"]


class TrunkSession:
    """The middle blocks of one session, their optimizer, and the state of the step in progress."""

    def __init__(self, stage: TrunkStage, config: TrainingConfig, probe: Probe, tensor_log: TensorLog) -> None:
        self.applied_step = 0
        self._config = config
        self._stage = stage.to(config.device).train()
        self._passes = PassCounter(self._stage)
        self._parameters = dict(stage.named_parameters())
        self._trainable = stage.trainable()
        self._optimizer = build_optimizer(self._trainable, config)
        self._accumulator = Accumulator(self._trainable, config.max_pending_bytes // 2)
        self._tape = Tape(config.max_pending_bytes)
        self.codec_states = CodecStates(config.max_pending_bytes // 2)
        self._last_commit: Commit | None = None
        self._probe = probe
        self._tensor_log = tensor_log

    @property
    def stage(self) -> TrunkStage:
        """The middle blocks."""
        return self._stage

    @property
    def kept(self) -> int:
        """Number of microbatches kept of the step in progress."""
        return len(self._tape.entries)

    @property
    def pending_nbytes(self) -> int:
        """Bytes held for the step in progress."""
        return self._tape.nbytes + self._beside

    def forward(
        self, at: Position, smashed_BTH: torch.Tensor, attention_mask_BT: torch.Tensor, commit: Commit | None
    ) -> torch.Tensor:
        """Run a microbatch forward, after applying the commit of the step before; return the features, BTH."""
        if commit and at.step != commit.step + 1:
            raise WireError(Reason.BAD_REQUEST, f"{at} carries a commit of step {commit.step}, not of the step before")
        if commit:
            self.commit(commit)
        self._check_position(at)
        self._accumulator.check(at)
        entry = self._tape.entries.get(at.microbatch)
        if entry is None:
            entry = TapeEntry(smashed_BTH, attention_mask_BT)
        elif not _same(entry.smashed_BTH, smashed_BTH) or not _same(entry.attention_mask_BT, attention_mask_BT):
            raise _key_reused(at, "smashed data")
        features_BTH = self._graph(at, entry).features_BTH.detach()
        if entry.smashed_grad_BTH is not None:
            entry.graph = None  # a repeated forward pass after the backward pass needs no graph again
        self._tape.put(at.microbatch, entry, beside=self._beside)
        self._accumulator.agree(at)
        return features_BTH

    def release(self, at: Position, finished: int) -> None:
        """Forget the step's first `finished` microbatches, whose gradients the client has; `at` is in the same step."""
        if not finished or at.step != self.applied_step:
            return
        if finished > self._accumulator.joined:
            raise WireError(Reason.BAD_REQUEST, f"{at} says that {finished} are finished; {self._accumulator.progress}")
        self._tape.release(finished)

    def backward(self, at: Position, features_grad_BTH: torch.Tensor) -> BackwardResult:
        """Run a microbatch backward; its gradients join the step's exactly once, in microbatch order."""
        self._check_position(at)
        self._accumulator.check(at)
        self._accumulator.expect(at)
        entry = self._tape.entries.get(at.microbatch)
        if entry is None:
            raise WireError(Reason.FORWARD_NEEDED, f"the input of {at} is no longer kept; send its forward pass again")
        if entry.features_grad_BTH is not None and not _same(entry.features_grad_BTH, features_grad_BTH):
            raise _key_reused(at, "gradient")
        if features_grad_BTH.shape != entry.smashed_BTH.shape:
            wanted = tuple(entry.smashed_BTH.shape)
            raise WireError(
                Reason.BAD_SHAPE, f"features_grad: shape {tuple(features_grad_BTH.shape)}; expected {wanted}"
            )
        if entry.smashed_grad_BTH is None:
            self._differentiate(at, entry, features_grad_BTH)
        assert entry.smashed_grad_BTH is not None
        result = BackwardResult(entry.smashed_grad_BTH, self._accumulator.norms(at.microbatch))
        self._tape.shrink(at.microbatch, beside=self._beside)
        return result

    def infer(self, smashed_BTH: torch.Tensor, attention_mask_BT: torch.Tensor) -> torch.Tensor:
        """Run forward without dropout or a graph; no state changes."""
        self._stage.eval()
        try:
            with torch.no_grad(), stage_scope(self._config, 0, 0, "trunk"):
                features_BTH: torch.Tensor = self._stage(smashed_BTH, attention_mask_BT)
            return features_BTH
        finally:
            self._stage.train()

    def commit(self, commit: Commit) -> None:
        """Apply a step's update exactly once, or drop the step; raises `WireError` if it is not the current step."""
        if commit.step == self.applied_step - 1 and self._last_commit in (None, commit):
            return
        if commit.step != self.applied_step:
            reason = Reason.STEP_IN_FUTURE if commit.step > self.applied_step else Reason.STEP_IN_PAST
            raise WireError(reason, f"commit of step {commit.step}; the trunk has applied {self.applied_step}")
        if not commit.skip and not self._accumulator.complete:
            raise WireError(Reason.INCOMPLETE_STEP, f"step {commit.step}: {self._accumulator.progress}; cannot commit")
        self._probe.point("trunk.commit.received", commit.step)
        self._tensor_log.gradients(commit.step, self.gradients())
        if commit.skip:
            self._optimizer.zero_grad(set_to_none=True)
        else:
            apply_update(self._optimizer, commit.learning_rate, commit.clip_coefficient)
        self._tensor_log.update(commit.step, "trunk", commit.numbers, self._parameters)
        self._tape.clear()
        self._accumulator.clear()
        self.codec_states.commit(commit.step, skip=commit.skip)
        self._last_commit = commit
        self.applied_step += 1
        self._probe.point("trunk.commit.applied", commit.step, passes=self._passes.count)
        self._passes.count = 0

    def gradients(self, names: Iterable[str] = ()) -> dict[str, torch.Tensor]:
        """Return the step's accumulated gradients, all of them or the named ones; frozen parameters have none.

        Raises:
            WireError: the trunk has no parameter with one of the names.
        """
        wanted = list(names) or list(self._trainable)
        unknown = [name for name in wanted if name not in self._parameters]
        if unknown:
            raise WireError(Reason.BAD_REQUEST, f"the trunk has no parameter {unknown[0]!r}")
        found = {name: self._parameters[name].grad for name in wanted}
        return {name: gradient for name, gradient in found.items() if gradient is not None}

    def weights(self) -> dict[str, torch.Tensor]:
        """Return the weights by Hugging Face name."""
        return {name: parameter.detach() for name, parameter in self._parameters.items()}

    def optimizer_state(self) -> dict[str, torch.Tensor]:
        """Return the optimizer's tensors as `NAME/KEY`."""
        return optimizer_state(self._optimizer, self._trainable)

    def fingerprint(self) -> str:
        """Return a digest of the weights."""
        return fingerprint(self.weights())

    def remember(self, at: Position, *passages: Passage) -> None:
        """Keep the codec states that a microbatch's tensors leave until the commit; raises `WireError` if too large."""
        try:
            for passage in passages:
                self.codec_states.keep(at.step, passage)
        except StatesTooLargeError as error:
            raise WireError(
                Reason.TOO_LARGE, f"the states of codecs take {error}: raise --max-pending-bytes at the trunk"
            ) from None

    def restore(self, half: CheckpointHalf) -> None:
        """Load the state of a checkpoint."""
        with torch.no_grad():
            for name, parameter in self._parameters.items():
                parameter.copy_(half.weights[name])
        load_optimizer_state(self._optimizer, self._trainable, half.optimizer_state)
        self.codec_states.load(half.codec_states)
        self.applied_step = half.mark.step

    @property
    def _beside(self) -> int:
        return self._accumulator.waiting_nbytes + self.codec_states.nbytes

    def _graph(self, at: Position, entry: TapeEntry) -> Graph:
        """Return the entry's graph; recompute it, bit for bit, with the same random numbers if it was dropped."""
        if entry.graph is None:
            leaf_BTH = entry.smashed_BTH.detach().requires_grad_()
            scope = stage_scope(self._config, at.step, at.microbatch, "trunk")
            with scope, recorded_graph(self._stage.parameters()) as sizes:
                features_BTH = self._stage(leaf_BTH, entry.attention_mask_BT)
            entry.graph = Graph(leaf_BTH, features_BTH, sum(sizes))
        return entry.graph

    def _differentiate(self, at: Position, entry: TapeEntry, features_grad_BTH: torch.Tensor) -> None:
        if entry.graph is None:
            self._probe.point("trunk.graph.recomputed", at.step, at.microbatch)
        graph = self._graph(at, entry)
        leaves = [graph.smashed_BTH, *self._trainable.values()]
        smashed_grad_BTH, *gradients = torch.autograd.grad(graph.features_BTH, leaves, features_grad_BTH)
        self._accumulator.add(at, gradients)
        entry.graph, entry.features_grad_BTH, entry.smashed_grad_BTH = None, features_grad_BTH, smashed_grad_BTH

    def _check_position(self, at: Position) -> None:
        if at.step != self.applied_step:
            reason = Reason.STEP_IN_FUTURE if at.step > self.applied_step else Reason.STEP_IN_PAST
            raise WireError(reason, f"step {at.step}; the trunk has applied {self.applied_step}")


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and torch.equal(a, b)


def _key_reused(at: Position, what: str) -> WireError:
    return WireError(Reason.KEY_REUSED, f"{at} was sent before with different {what}; a key stands for one content")
