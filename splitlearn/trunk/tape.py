"""Microbatches that wait for their backward pass, bounded in bytes.

Shapes: B sequences, T positions, H hidden width.
"""

import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from splitlearn.wire.errors import Reason, WireError

__all__ = ["Graph", "Tape", "TapeEntry", "recorded_graph"]

# Measured overhead of objects besides their numbers, which dominates for small microbatches.
TENSOR_BYTES = 512
SAVED_TENSOR_BYTES = 2048  # with its share of the graph


@dataclass
class Graph:
    """A forward pass that can be differentiated.

    Attributes:
        smashed_BTH: the leaf with respect to which the gradient is taken.
        features_BTH: the output.
        nbytes: memory that the graph holds besides the weights.
    """

    smashed_BTH: torch.Tensor
    features_BTH: torch.Tensor
    nbytes: int


@dataclass
class TapeEntry:
    """One microbatch of the step in progress.

    The input alone suffices to answer any repeated request; everything else saves recomputation.
    """

    smashed_BTH: torch.Tensor
    attention_mask_BT: torch.Tensor
    graph: Graph | None = None
    features_grad_BTH: torch.Tensor | None = None
    smashed_grad_BTH: torch.Tensor | None = None

    @property
    def input_nbytes(self) -> int:
        """Bytes of what the client sent for the forward pass."""
        return _nbytes(self.smashed_BTH) + _nbytes(self.attention_mask_BT)

    @property
    def nbytes(self) -> int:
        """Bytes of everything kept."""
        backward = sum(_nbytes(t) for t in (self.features_grad_BTH, self.smashed_grad_BTH) if t is not None)
        return self.input_nbytes + backward + (self.graph.nbytes if self.graph else 0)


class _LastFirst:
    """A queue of microbatches, popped from the last to the first."""

    def __init__(self) -> None:
        self._negatives: list[int] = []
        self._inside: set[int] = set()

    def add(self, microbatch: int) -> None:
        if microbatch not in self._inside:
            self._inside.add(microbatch)
            heapq.heappush(self._negatives, -microbatch)

    def take(self) -> int | None:
        if not self._negatives:
            return None
        microbatch = -heapq.heappop(self._negatives)
        self._inside.remove(microbatch)
        return microbatch


def _nbytes(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().nbytes() + TENSOR_BYTES


@dataclass
class Tape:
    """The entries of one step, by microbatch.

    Attributes:
        max_bytes: limit for all entries together. Graphs are dropped before inputs, starting with the microbatch needed
            last: a dropped graph is recomputed, a dropped input is requested again.
        nbytes: of all entries.
        released: number of microbatches, from the step's first on, that the client is done with.
    """

    max_bytes: int
    entries: dict[int, TapeEntry] = field(default_factory=dict)
    nbytes: int = 0
    released: int = 0
    # The bytes counted per entry: a request changes one entry, and only that one is recounted.
    _counted: dict[int, int] = field(default_factory=dict)
    # Entries that may have a graph, or an input, to drop.
    _graphs: _LastFirst = field(default_factory=_LastFirst)
    _inputs: _LastFirst = field(default_factory=_LastFirst)

    def put(self, microbatch: int, entry: TapeEntry, beside: int = 0) -> None:
        """Keep an entry; raises `WireError` if its input alone exceeds half the limit.

        The other half is for waiting gradients. A released microbatch is not kept: its request was repeated, and came
        late.
        """
        if microbatch < self.released:
            return
        if entry.input_nbytes > self.max_bytes // 2:
            raise WireError(
                Reason.TOO_LARGE,
                f"one microbatch needs {entry.input_nbytes} pending bytes, the trunk keeps {self.max_bytes // 2}: "
                "lower --batch-size, or raise --max-pending-bytes at the trunk",
            )
        self._inputs.add(microbatch)
        if entry.graph:
            self._graphs.add(microbatch)
        self.entries[microbatch] = entry
        self.shrink(microbatch, beside)

    def shrink(self, newest: int, beside: int = 0) -> None:
        """Drop what can be recovered until the limit holds; the newest entry's input stays.

        Args:
            newest: the microbatch whose entry has changed.
            beside: bytes kept elsewhere under the same limit.
        """
        allowed = self.max_bytes - beside
        self._count(newest)
        for microbatch in self._last_first(self._graphs, newest, allowed):
            self.entries[microbatch].graph = None
            self._count(microbatch)
        if self.nbytes > allowed and newest in self.entries:
            self.entries[newest].graph = None
            self._count(newest)
        for microbatch in self._last_first(self._inputs, newest, allowed):
            del self.entries[microbatch]
            self._count(microbatch)
        if self.nbytes > allowed and newest in self.entries:
            self.entries[newest].features_grad_BTH = self.entries[newest].smashed_grad_BTH = None
            self._count(newest)

    def release(self, microbatches: int) -> None:
        """Drop the step's first microbatches, for good."""
        self.released = max(self.released, microbatches)
        for microbatch in [each for each in self.entries if each < microbatches]:
            del self.entries[microbatch]
            self._count(microbatch)

    def clear(self) -> None:
        """Drop the step."""
        self.entries.clear()
        self._counted.clear()
        self._graphs, self._inputs, self.nbytes, self.released = _LastFirst(), _LastFirst(), 0, 0

    def _count(self, microbatch: int) -> None:
        entry = self.entries.get(microbatch)
        nbytes = entry.nbytes if entry else 0
        self.nbytes += nbytes - self._counted.get(microbatch, 0)
        self._counted[microbatch] = nbytes

    def _last_first(self, waiting: _LastFirst, newest: int, allowed: int) -> Iterator[int]:
        """Pop the last microbatch, except the newest, as long as the limit is exceeded."""
        while self.nbytes > allowed and (microbatch := waiting.take()) is not None:
            if microbatch != newest and microbatch in self.entries:
                yield microbatch
        if newest in self.entries:
            waiting.add(newest)


@contextmanager
def recorded_graph(parameters: Iterator[torch.nn.Parameter]) -> Iterator[list[int]]:
    """Measure the memory that autograd saves in a forward pass.

    Yields:
        A list whose sum is that memory in bytes, without weights, each storage counted once.
    """
    seen = {parameter.untyped_storage().data_ptr() for parameter in parameters}
    sizes: list[int] = []

    def count(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in seen:
            seen.add(storage.data_ptr())
            sizes.append(storage.nbytes())
        sizes.append(SAVED_TENSOR_BYTES)
        # Without its graph: an operation that saves its own result would otherwise hold itself, forever if there is
        # no backward pass.
        return tensor.detach()

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        yield sizes
