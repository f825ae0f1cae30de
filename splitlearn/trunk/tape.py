"""Microbatches that wait for their backward pass, bounded in bytes.

Shapes: B sequences, T positions, H hidden width.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from splitlearn.wire.errors import Reason, WireError

__all__ = ["Graph", "Tape", "TapeEntry", "recorded_graph"]


@dataclass
class Graph:
    """A forward pass that can be differentiated.

    Attributes:
        smashed_BTH: the leaf that the gradient is taken for.
        features_BTH: the output.
        nbytes: memory that the graph holds beside the weights.
    """

    smashed_BTH: torch.Tensor
    features_BTH: torch.Tensor
    nbytes: int


@dataclass
class TapeEntry:
    """One microbatch of the step in progress.

    The input alone is enough to answer any repeated request; everything else saves the work of doing so.
    """

    smashed_BTH: torch.Tensor
    attention_mask_BT: torch.Tensor
    graph: Graph | None = None
    features_grad_BTH: torch.Tensor | None = None
    smashed_grad_BTH: torch.Tensor | None = None

    @property
    def input_nbytes(self) -> int:
        """Bytes of what the client sent for the forward pass."""
        return self.smashed_BTH.nbytes + self.attention_mask_BT.nbytes

    @property
    def nbytes(self) -> int:
        """Bytes of all that is kept."""
        backward = sum(t.nbytes for t in (self.features_grad_BTH, self.smashed_grad_BTH) if t is not None)
        return self.input_nbytes + backward + (self.graph.nbytes if self.graph else 0)


@dataclass
class Tape:
    """The entries of one step, by microbatch.

    Attributes:
        max_bytes: limit for all entries together. Graphs are dropped before inputs, the microbatch that is needed
            last before the others: a dropped graph is computed again, a dropped input is asked for again.
    """

    max_bytes: int
    entries: dict[int, TapeEntry] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Bytes of all entries."""
        return sum(entry.nbytes for entry in self.entries.values())

    def put(self, microbatch: int, entry: TapeEntry) -> None:
        """Keep an entry; raises `WireError` when its input alone is over the limit."""
        if entry.input_nbytes > self.max_bytes:
            raise WireError(
                Reason.TOO_LARGE,
                f"one microbatch needs {entry.input_nbytes} pending bytes, the trunk keeps {self.max_bytes}: "
                "lower --batch-size, or raise --max-pending-bytes at the trunk",
            )
        self.entries[microbatch] = entry
        self.shrink(microbatch)

    def shrink(self, newest: int) -> None:
        """Drop what can be had again until the limit holds; the newest entry's input stays."""
        last_first = sorted(self.entries, reverse=True)
        for microbatch in [m for m in last_first if m != newest] + [newest]:
            if self.nbytes <= self.max_bytes:
                return
            self.entries[microbatch].graph = None
        for microbatch in last_first:
            if self.nbytes <= self.max_bytes:
                return
            if microbatch != newest:
                del self.entries[microbatch]
        if self.nbytes > self.max_bytes:
            self.entries[newest].features_grad_BTH = self.entries[newest].smashed_grad_BTH = None

    def clear(self) -> None:
        """Forget the step."""
        self.entries.clear()


@contextmanager
def recorded_graph(parameters: Iterator[torch.nn.Parameter]) -> Iterator[list[int]]:
    """Measure the memory that autograd keeps for a forward pass.

    Yields:
        A list whose sum is that memory in bytes, weights left out, each storage counted once.
    """
    seen = {parameter.untyped_storage().data_ptr() for parameter in parameters}
    sizes: list[int] = []

    def count(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in seen:
            seen.add(storage.data_ptr())
            sizes.append(storage.nbytes())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        yield sizes
