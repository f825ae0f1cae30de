"""Records a training loop: a `Recorder` for the run, a `StepRecorder` for each step."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from harness.errors import UnusableError
from harness.recorder.state import Names, gradients_of, optimizer_state_of, weights_of
from harness.recorder.writer import PartWriter

__all__ = ["Recorder", "StepRecorder"]

Write = Callable[[int | None, str, torch.Tensor], None]


class StepRecorder:
    """Records one step; created by `Recorder.step`. Every call is optional."""

    def __init__(self, write: Write, names: Names) -> None:
        self._write = write
        self._names = names

    def loss(self, loss: torch.Tensor, microbatch: int = 0) -> None:
        """Record the loss of a microbatch."""
        self._write(microbatch, "loss", loss)

    def boundary(self, name: str, tensor: torch.Tensor, microbatch: int = 0) -> None:
        """Record a tensor that passes from one part of the model to another.

        Its gradient is recorded as `NAME_grad` when the backward pass has computed it.
        """
        self._write(microbatch, name, tensor)
        if tensor.requires_grad:
            tensor.register_hook(  # type: ignore[no-untyped-call] # torch's own
                lambda gradient: self._write(microbatch, f"{name}_grad", gradient)
            )

    def gradients(self, model: torch.nn.Module) -> None:
        """Record the current gradients of a model's parameters."""
        for name, gradient in gradients_of(model, self._names):
            self._write(None, name, gradient)

    def norms(self, model: torch.nn.Module) -> None:
        """Record the norm of each parameter's gradient, computed in the gradient's own precision."""
        for name, gradient in gradients_of(model, self._names):
            self._write(None, f"norm/{name}", _number(float(torch.linalg.vector_norm(gradient))))

    def number(self, name: str, value: float | torch.Tensor) -> None:
        """Record a single number of the step, such as its learning rate or global norm, as float64."""
        self._write(None, f"number/{name}", _number(float(value)))

    def updated(self, model: torch.nn.Module, *optimizers: torch.optim.Optimizer) -> None:
        """Record weights, persistent buffers and optimizer state after the step's update."""
        for name, weight in weights_of(model, self._names):
            self._write(None, f"weight/{name}", weight)
        for optimizer in optimizers:
            for name, value in optimizer_state_of(model, optimizer, self._names):
                self._write(None, f"optimizer_state/{name}", value)


class Recorder:
    """Writes one party's part of a recording.

    Args:
        folder: the recording's; parties that write one recording together use the same one.
        party: the writer: a rank, a stage, a role; its part is the subfolder of that name.
        record_steps: steps whose tensors are kept whole; of all others, only digests.
        names: maps a parameter's name in the given model to its name in the other recording, such as
            `lambda name: name.removeprefix("module.")`.
        enabled: False writes nothing, so that one of several equal ranks can record with the same code.

    Raises:
        UnusableError: the folder already holds this part, or the party's name cannot be a folder name.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        party: str = "main",
        record_steps: Iterable[int] = (),
        names: Names = str,
        enabled: bool = True,
    ) -> None:
        if not party.isprintable() or party in ("", ".", "..") or "/" in party or "\\" in party:
            raise UnusableError(f"{party!r} cannot name a party, for its part of a recording is a folder of that name")
        self._names = names
        self._writer = PartWriter(Path(folder) / party, party, record_steps) if enabled else None
        self._step: StepRecorder | None = None
        self._calls: dict[str, int] = {}

    @contextmanager
    def step(self, number: int) -> Iterator[StepRecorder]:
        """Record one step, counted from 0, within a `with` block."""
        self._calls.clear()
        self._step = StepRecorder(self._writing(number), self._names)
        try:
            yield self._step
        finally:
            self._step = None

    def watch(self, name: str, module: torch.nn.Module) -> None:
        """Record a module's output in every step as a boundary; its n-th call in a step is microbatch n.

        The output must be a tensor, or a tuple with the tensor first. Calls outside of steps and under
        `torch.no_grad()` are not recorded: they measure shapes, evaluate, or are repeated later.
        """

        def record(_module: torch.nn.Module, _inputs: Any, output: Any) -> None:  # noqa: ANN401 - a module's own types
            if self._step is not None and torch.is_grad_enabled():
                call = self._calls.get(name, 0)
                self._calls[name] = call + 1
                self._step.boundary(name, output[0] if isinstance(output, tuple) else output, call)

        module.register_forward_hook(record)

    def close(self, model: torch.nn.Module | None = None, *optimizers: torch.optim.Optimizer) -> None:
        """Keep the final weights and optimizer state whole, if a model is given, and complete the recording.

        Without this call a recording is incomplete, and is never judged PASS.
        """
        if self._writer is None:
            return
        if model is None:
            self._writer.close(None)
            return
        final = {f"weights/{name}": weight for name, weight in weights_of(model, self._names)}
        for optimizer in optimizers:
            state = optimizer_state_of(model, optimizer, self._names)
            final |= {f"optimizer_state/{name}": value for name, value in state}
        self._writer.close(final)

    def _writing(self, step: int) -> Write:
        """Return the function that writes a step's tensors; for a disabled recorder it does nothing."""
        writer = self._writer

        def write(microbatch: int | None, name: str, tensor: torch.Tensor) -> None:
            if writer is not None:
                writer.write(step, microbatch, name, tensor)

        return write


def _number(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)
