"""Predicts the memory that computing a microbatch takes, before anything is computed.

The stage is run with tensors that have a shape but no content, which takes neither memory nor arithmetic.
Shapes: B sequences, T positions, H hidden width.
"""

from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from splitlearn.config import TrainingConfig
from splitlearn.determinism import stage_scope
from splitlearn.models.family import TrunkStage
from splitlearn.wire.errors import Reason, WireError

__all__ = ["Activations"]

# How many shapes to remember.
MOST_SHAPES = 256


class Activations:
    """The limit on a trunk's memory for computing one microbatch.

    Args:
        config: gives precision and limit.
        positions: length of the model's longest sequence.
    """

    def __init__(self, config: TrainingConfig, positions: int) -> None:
        self._config = config
        self._positions = positions
        self._known: dict[tuple[tuple[int, ...], bool], int] = {}

    def check(self, stage: TrunkStage, shape: torch.Size, *, training: bool) -> None:
        """Raise `WireError`, naming what would fit, for a microbatch that would take more than the limit.

        Args:
            stage: the one that will compute; all of a trunk's are alike.
            shape: of the smashed data, BTH.
            training: whether there will be a backward pass.
        """
        sequences, positions, hidden = shape
        limit = self._config.max_activation_bytes
        # Memory grows at least linearly with a sequence's length, so the longest bounds all others.
        longest = self._nbytes(stage, (1, self._positions, hidden), training=training)
        if sequences * positions * longest <= limit * self._positions:
            return
        needed = self._nbytes(stage, shape, training=training)
        if needed <= limit:
            return
        fits = limit * sequences // needed
        advice = f"lower --batch-size to {fits}" if fits else "lower --max-length"
        raise WireError(
            Reason.TOO_LARGE,
            f"{sequences} sequences of {positions} positions take {needed} bytes of activations, the trunk allows "
            f"{limit}, which is enough for {fits}: {advice}, or raise --max-activation-bytes at the trunk",
        )

    def _nbytes(self, stage: TrunkStage, shape: tuple[int, ...], *, training: bool) -> int:
        key = tuple(shape), training
        if key not in self._known:
            if len(self._known) == MOST_SHAPES:
                self._known.clear()
            self._known[key] = self._peak(stage, shape, training=training)
        return self._known[key]

    def _peak(self, stage: TrunkStage, shape: tuple[int, ...], *, training: bool) -> int:
        """Return the peak of live bytes in a forward pass, and in its backward pass."""
        device = self._config.device
        was_training = stage.training
        stage.train(training)
        try:
            scope = stage_scope(self._config, 0, 0, "trunk")
            with scope, FakeTensorMode(allow_non_fake_inputs=True), torch.set_grad_enabled(training):
                smashed_BTH = torch.empty(shape, device=device, requires_grad=training)
                mask_BT = torch.empty(shape[:2], dtype=torch.int64, device=device)
                with _LiveBytes() as live:
                    features_BTH = stage(smashed_BTH, mask_BT)
                    if training:
                        torch.autograd.grad(features_BTH, smashed_BTH, torch.empty_like(features_BTH))
                return int(live.peak)
        finally:
            stage.train(was_training)


class _LiveBytes(TorchDispatchMode):
    """Tracks the bytes of live tensors created inside, and their peak."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # torch has no types for it
        self.peak = 0
        self._made: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(self, function: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401 - torch's signature
        result = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                storage = StorageWeakRef(tensor.untyped_storage())  # type: ignore[no-untyped-call] # as above
                self._made[storage.cdata] = storage, tensor.untyped_storage().nbytes()
        gone = [key for key, (storage, _) in self._made.items() if storage.expired()]  # type: ignore[no-untyped-call] # as above
        for key in gone:
            del self._made[key]
        self.peak = max(self.peak, sum(nbytes for _, nbytes in self._made.values()))
        return result
