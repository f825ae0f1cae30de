"""What arrives at the other side of a cut in the reference.

A codec from another distribution has no promise. If it claims to be lossless, the reference ignores it; otherwise the
reference applies the codec itself.
"""

from collections.abc import Mapping
from typing import Any

import torch

from harness.oracle.promises import PROMISES, WITH_FEEDBACK, Promise, everything, is_lossless
from splitlearn.registry import CODECS

__all__ = ["Crossings"]

Slot = tuple[str, int]
State = Mapping[str, torch.Tensor]


class Crossings:
    """What arrives of the tensors that cross the cuts in one training.

    A codec with state has one for each tensor that crosses in each microbatch of a step, at the sender and at the
    receiver; all of them advance when a step ends that is not skipped.
    """

    def __init__(self, codec: str) -> None:
        self._promise = PROMISES.get(codec) or (everything if is_lossless(codec) else None)
        self._feeds_back = codec in WITH_FEEDBACK
        self._codec: Any = None if self._promise else CODECS[codec]
        self._states: dict[Slot, tuple[State, State]] = {}
        self._next: dict[Slot, tuple[State, State]] = {}

    def arriving(self, tensor: torch.Tensor, name: str, microbatch: int) -> torch.Tensor:
        """Return what arrives when a tensor is sent, in memory of its own.

        Args:
            tensor: of any shape.
            name: of what crosses the cut: smashed, features, or the gradient of either.
            microbatch: of the step, counted from 0.
        """
        if self._promise and self._feeds_back:
            return self._with_what_is_owed(self._promise, tensor.detach(), (name, microbatch))
        if self._promise:
            return self._promise(tensor.detach()).clone(memory_format=torch.contiguous_format)
        plain = tensor.detach().cpu().contiguous()
        return self._coded_and_decoded(plain, (name, microbatch)).to(tensor.device)

    def end_step(self, *, skipped: bool) -> None:
        """Advance the states, unless the step is skipped."""
        if not skipped:
            self._states |= self._next
        self._next = {}

    def _with_what_is_owed(self, promise: Promise, plain: torch.Tensor, slot: Slot) -> torch.Tensor:
        """Return what arrives of a tensor and what is owed; of a tensor of another shape, nothing is."""
        owed = self._states.get(slot, ({}, {}))[0].get("owed")
        whole = plain.float()
        if owed is not None and owed.shape == whole.shape:
            whole = whole + owed
        arrived = promise(whole)
        self._next[slot] = {"owed": whole - arrived}, {}
        return arrived.to(plain.dtype)

    def _coded_and_decoded(self, plain: torch.Tensor, slot: Slot) -> torch.Tensor:
        codec, shape = self._codec, tuple(plain.shape)
        arrived: torch.Tensor
        if not hasattr(codec, "encode_after"):
            arrived = codec.decode(codec.encode(plain), plain.dtype, shape)
            return arrived
        sender, receiver = self._states.get(slot, ({}, {}))
        data, sender = codec.encode_after(sender, plain)
        arrived, receiver = codec.decode_after(receiver, data, plain.dtype, shape)
        self._next[slot] = sender, receiver
        return arrived
