"""Records the reference in the format that the split run's processes write, with the harness's own code.

So a wrong digest of the trained system does not equal the reference's.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch

from harness.recorder.writer import PartWriter

__all__ = ["ReferenceRecorder"]


class ReferenceRecorder:
    """Records the reference's tensors, all float32, and single numbers as float64, which represents each exactly."""

    def __init__(self, folder: Path, record_steps: Iterable[int]) -> None:
        self._writer = PartWriter(folder, "reference", record_steps)

    def boundary(self, step: int, microbatch: int | None, name: str, tensor: torch.Tensor) -> None:
        """Record a tensor of a microbatch, or of a whole step if `microbatch` is None."""
        assert tensor.dtype == torch.float32 or not tensor.ndim, f"{name} is {tensor.dtype}"
        self._writer.write(step, microbatch, name, tensor)

    def gradients(self, step: int, gradients: Mapping[str, torch.Tensor]) -> None:
        """Record a step's accumulated gradients, before clipping."""
        for name, gradient in gradients.items():
            self.boundary(step, None, name, gradient)

    def numbers(self, step: int, numbers: Mapping[str, float]) -> None:
        """Record single numbers of a step."""
        for name, value in numbers.items():
            self.boundary(step, None, name, torch.tensor(value, dtype=torch.float64))

    def weights(self, step: int, weights: Mapping[str, torch.Tensor]) -> None:
        """Record the weights after a step's update."""
        for name, weight in weights.items():
            self.boundary(step, None, f"weight/{name}", weight)

    def close(self, final: Mapping[str, torch.Tensor]) -> None:
        """Write the final weights and optimizer state, and complete the recording."""
        self._writer.close(final)
