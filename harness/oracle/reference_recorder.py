"""What the reference records, in the form that the split run's processes write, by the harness's own means.

If the system's digests were wrong, they would not equal these.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch

from harness.recorder.writer import PartWriter

__all__ = ["ReferenceRecorder"]


class ReferenceRecorder:
    """Records the reference's tensors: float32 all of them, and single numbers, as float64, which holds them all."""

    def __init__(self, folder: Path, record_steps: Iterable[int]) -> None:
        self._writer = PartWriter(folder, "reference", record_steps)

    def boundary(self, step: int, microbatch: int | None, name: str, tensor: torch.Tensor) -> None:
        """Record one tensor of a microbatch, or of a step where there is no microbatch."""
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
        """Record the weights as a step leaves them."""
        for name, weight in weights.items():
            self.boundary(step, None, f"weight/{name}", weight)

    def close(self, final: Mapping[str, torch.Tensor]) -> None:
        """Keep the final weights and optimizer state, and end the recording."""
        self._writer.close(final)
