"""The reference's recordings, in the format of the split run's processes: the judge's own implementation.

If the system's digests were wrong, they would not equal these.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file

__all__ = ["ReferenceRecorder", "reference_digest"]


def reference_digest(tensor: torch.Tensor) -> str:
    """Return the SHA-256 of `dtype|shape|` and the little-endian elements, in hexadecimal."""
    array = tensor.detach().cpu().numpy().astype("<f8" if tensor.dtype == torch.float64 else "<f4", order="C")
    sha256 = hashlib.sha256(f"{tensor.dtype}|{tuple(array.shape)}|".encode())
    sha256.update(array.tobytes())
    return sha256.hexdigest()


class ReferenceRecorder:
    """Writes `digests.jsonl`, and whole tensors of chosen steps.

    Every tensor of the reference is float32; single numbers are written as float64, which holds them all.
    """

    def __init__(self, folder: Path, record_steps: Iterable[int]) -> None:
        self._folder = folder
        self._record_steps = set(record_steps)
        self._lines = (folder / "digests.jsonl").open("w", buffering=1)

    def boundary(self, step: int, microbatch: int | None, name: str, tensor: torch.Tensor) -> None:
        """Record one tensor of a microbatch, or of a step if there is no microbatch."""
        assert tensor.dtype == torch.float32 or not tensor.ndim, f"{name} is {tensor.dtype}"
        entry = {"step": step, "microbatch": microbatch, "tensor": name, "sha256": reference_digest(tensor)}
        self._lines.write(json.dumps(entry) + "\n")
        if step in self._record_steps:
            file = self._folder / f"step-{step}" / (name if microbatch is None else f"{name}.{microbatch}")
            file.parent.mkdir(parents=True, exist_ok=True)
            save_file({"tensor": tensor.detach().cpu().contiguous()}, f"{file}.safetensors")

    def gradients(self, step: int, gradients: Mapping[str, torch.Tensor]) -> None:
        """Record a step's accumulated gradients, before clipping."""
        for name, gradient in gradients.items():
            self.boundary(step, None, name, gradient)

    def numbers(self, step: int, numbers: Mapping[str, float]) -> None:
        """Record single numbers of a step."""
        for name, value in numbers.items():
            self.boundary(step, None, name, torch.tensor(value, dtype=torch.float64))

    def weights(self, step: int, weights: Mapping[str, torch.Tensor]) -> None:
        """Record the weights after a step."""
        for name, weight in weights.items():
            self.boundary(step, None, f"weight/{name}", weight)
