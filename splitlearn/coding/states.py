"""What one side's stateful codecs remember of a session."""

from collections import defaultdict
from collections.abc import Mapping

import torch

from splitlearn.coding.codec import State
from splitlearn.coding.passage import NOTHING, Passage, Slot

__all__ = ["CodecStates", "StatesTooLargeError"]


class StatesTooLargeError(ValueError):
    """The states of a session take more memory than they may."""


class CodecStates:
    """The codec states of a session: those of the last committed step, and those that the step in progress leaves.

    Every tensor of a step starts from the committed state of its slot, so a repeated request gets the same bytes. A
    skipped step leaves the states as they were. Stateless codecs leave nothing here.

    Args:
        max_bytes: limit for all states; None sets none.
    """

    def __init__(self, max_bytes: int | None = None) -> None:
        self._max_bytes = max_bytes
        self._committed: dict[Slot, State] = {}
        self._pending: dict[Slot, State] = {}
        self._pending_step = 0
        self.nbytes = 0

    def passage(self, slot: Slot, committing: int | None = None) -> Passage:
        """Return the passage of one tensor.

        Args:
            slot: of the tensor.
            committing: the step that the same message commits without skipping it, perhaps committed already.
        """
        before = self._committed.get(slot, NOTHING)
        return Passage(self._pending.get(slot, before) if committing == self._pending_step else before, slot)

    def keep(self, step: int, passage: Passage) -> None:
        """Remember what a tensor of a step has left; raises `StatesTooLargeError`."""
        slot = passage.slot
        if slot is None or passage.after is None:
            return
        if step != self._pending_step:
            self._drop_pending(step)
        more = _nbytes(passage.after) - _nbytes(self._pending.get(slot, NOTHING))
        if self._max_bytes is not None and self.nbytes + more > self._max_bytes:
            raise StatesTooLargeError(f"{self.nbytes + more} bytes; allowed are {self._max_bytes}")
        self._pending[slot] = passage.after
        self.nbytes += more

    def commit(self, step: int, *, skip: bool) -> None:
        """End a step: its states become the session's, unless it is skipped. A repeated commit changes nothing."""
        if step == self._pending_step and not skip:
            self._committed |= self._pending
        if step == self._pending_step:
            self._drop_pending(step + 1)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the committed states' tensors as `CODEC/STREAM/MICROBATCH/NAME`, for a checkpoint."""
        return {
            f"{slot.codec}/{slot.stream}/{slot.microbatch}/{name}": tensor
            for slot, state in self._committed.items()
            for name, tensor in state.items()
        }

    def load(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Go back to the states of a checkpoint, or to the beginning where there are none."""
        states: defaultdict[Slot, dict[str, torch.Tensor]] = defaultdict(dict)
        for path, tensor in tensors.items():
            codec, stream, microbatch, name = path.split("/", 3)
            states[Slot(codec, stream, int(microbatch))][name] = tensor  # type: ignore[arg-type] # as `tensors` wrote it
        self._committed = dict(states)
        self._drop_pending(0)

    def _drop_pending(self, step: int) -> None:
        self._pending = {}
        self._pending_step = step
        self.nbytes = sum(map(_nbytes, self._committed.values()))


def _nbytes(state: State) -> int:
    return sum(tensor.untyped_storage().nbytes() for tensor in state.values())
