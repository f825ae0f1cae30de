"""Accumulates a step's gradients in microbatch order, whatever order they arrive in."""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.trunk_link import Position

__all__ = ["Accumulator"]


class Accumulator:
    """The step's gradients so far, in `parameter.grad`; early ones wait for their turn.

    Args:
        parameters: one part's, by name.
        max_early_bytes: memory for waiting gradients.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], max_early_bytes: int) -> None:
        self._parameters = parameters
        self._gradient_nbytes = max(1, sum(parameter.nbytes for parameter in parameters.values()))
        self._early_room = max_early_bytes // self._gradient_nbytes
        self._early: dict[int, Sequence[torch.Tensor]] = {}
        self._seen: set[int] = set()
        self._next = 0
        self._expected = 0
        self._completed_by: int | None = None

    def check(self, at: Position) -> None:
        """Raise `WireError` if the number of microbatches differs from what the step began with."""
        if self._expected not in (0, at.microbatches):
            raise WireError(Reason.BAD_REQUEST, f"{at}: the step began with {self._expected} microbatches")

    def agree(self, at: Position) -> None:
        """Set the step's number of microbatches, from its first valid request."""
        self._expected = at.microbatches

    def expect(self, at: Position) -> None:
        """Raise `WireError` for gradients that come too early to be kept."""
        if at.microbatch > self._next + self._early_room:
            raise WireError(Reason.OUT_OF_ORDER, f"{at} came before microbatch {self._next}; send that one first")

    def add(self, at: Position, gradients: Sequence[torch.Tensor]) -> None:
        """Add one microbatch's gradients, in the order of the parameters; repetitions change nothing."""
        if at.microbatch in self._seen:
            return
        self._seen.add(at.microbatch)
        self._early[at.microbatch] = gradients
        while self._next in self._early:
            self._join(self._early.pop(self._next))
            self._next += 1
        if self._next == at.microbatches:
            self._completed_by = at.microbatch

    @property
    def complete(self) -> bool:
        """Whether every microbatch of the step has joined."""
        return 0 < self._expected == self._next

    @property
    def joined(self) -> int:
        """Number of microbatches that have joined, from the step's first on."""
        return self._next

    @property
    def progress(self) -> str:
        """Number of microbatches that have joined, in words, for messages."""
        return f"{self._next} of {self._expected or 'unknown'} microbatches accumulated"

    @property
    def waiting_nbytes(self) -> int:
        """Bytes of the gradients that are waiting for their turn."""
        return len(self._early) * self._gradient_nbytes

    def norms(self, microbatch: int) -> dict[str, float]:
        """Return each parameter's gradient norm, exactly representable in float32, for the microbatch that joined last.

        Empty for all others, even if asked for again later: a repeated request gets the same answer.
        """
        if microbatch != self._completed_by:
            return {}
        gradients = {name: parameter.grad for name, parameter in self._parameters.items()}
        return {name: float(torch.linalg.vector_norm(g)) for name, g in gradients.items() if g is not None}

    def clear(self) -> None:
        """Drop the step."""
        self._early.clear()
        self._seen.clear()
        self._next = self._expected = 0
        self._completed_by = None

    def _join(self, gradients: Sequence[torch.Tensor]) -> None:
        for parameter, gradient in zip(self._parameters.values(), gradients, strict=True):
            if parameter.grad is None:
                parameter.grad = gradient
            else:
                parameter.grad.add_(gradient)
