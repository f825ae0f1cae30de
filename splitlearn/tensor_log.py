"""Logs for a judge what a process computes: digests of every step's tensors, and chosen steps' tensors whole."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, Protocol

import torch
from safetensors.torch import save_file

__all__ = ["FileTensorLog", "NullTensorLog", "Party", "TensorLog", "digest", "open_tensor_log"]

Party = Literal["client", "trunk"]


def digest(tensor: torch.Tensor) -> str:
    """Return the SHA-256 of a tensor's dtype, shape and little-endian bytes, in hexadecimal."""
    plain = tensor.detach().cpu().contiguous()
    header = f"{plain.dtype}|{tuple(plain.shape)}|".encode()
    return hashlib.sha256(header + plain.reshape(-1).view(torch.uint8).numpy().tobytes()).hexdigest()


class TensorLog(Protocol):
    """Receives tensors and numbers of a training run."""

    def keeps_whole(self, step: int) -> bool:
        """Return whether this step's tensors are recorded whole."""

    def boundary(self, step: int, microbatch: int, name: str, tensor: torch.Tensor) -> None:
        """Record a tensor that crosses a cut, or a microbatch's loss."""

    def gradients(self, step: int, gradients: Mapping[str, torch.Tensor]) -> None:
        """Record a step's accumulated gradients, before clipping."""

    def norms(self, step: int, norms: Mapping[str, float], total: float) -> None:
        """Record the norm of each parameter's gradient, and the global norm."""

    def update(
        self, step: int, party: Party, numbers: Mapping[str, float], weights: Mapping[str, torch.Tensor]
    ) -> None:
        """Record the numbers used in a party's update, and the updated weights."""


class NullTensorLog:
    """Writes nothing."""

    def keeps_whole(self, step: int) -> bool:
        """Return False."""
        return False

    def boundary(self, step: int, microbatch: int, name: str, tensor: torch.Tensor) -> None:
        """Do nothing."""

    def gradients(self, step: int, gradients: Mapping[str, torch.Tensor]) -> None:
        """Do nothing."""

    def norms(self, step: int, norms: Mapping[str, float], total: float) -> None:
        """Do nothing."""

    def update(
        self, step: int, party: Party, numbers: Mapping[str, float], weights: Mapping[str, torch.Tensor]
    ) -> None:
        """Do nothing."""


class FileTensorLog:
    """Appends digests to `FOLDER/digests.jsonl`; whole tensors go to `FOLDER/step-N/NAME.safetensors`.

    `FOLDER/recording.json` says that this is one party's part of a recording, as docs/recording.md defines it. A step
    that is repeated after a resume is logged again; its digests must be the same.
    """

    def __init__(self, folder: Path, record_steps: Iterable[int]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._record_steps = frozenset(record_steps)
        metadata = {"format": "splitlearn-recording", "version": 1, "party": folder.name}
        unfinished = folder / "recording.partial"
        unfinished.write_text(json.dumps(metadata) + "\n")
        unfinished.replace(folder / "recording.json")
        self._file = (folder / "digests.jsonl").open("a", buffering=1)

    def keeps_whole(self, step: int) -> bool:
        """Return whether this step's tensors are recorded whole."""
        return step in self._record_steps

    def boundary(self, step: int, microbatch: int, name: str, tensor: torch.Tensor) -> None:
        """Record a tensor that crosses a cut, or a microbatch's loss."""
        self._write(step, microbatch, name, tensor)

    def gradients(self, step: int, gradients: Mapping[str, torch.Tensor]) -> None:
        """Record a step's accumulated gradients, before clipping."""
        for name, tensor in gradients.items():
            self._write(step, None, name, tensor)

    def norms(self, step: int, norms: Mapping[str, float], total: float) -> None:
        """Record the norm of each parameter's gradient, and the global norm."""
        for name, norm in norms.items():
            self._write(step, None, f"norm/{name}", _number(norm))
        self._write(step, None, "client/grad_norm", _number(total))

    def update(
        self, step: int, party: Party, numbers: Mapping[str, float], weights: Mapping[str, torch.Tensor]
    ) -> None:
        """Record the numbers used in a party's update, and the updated weights."""
        for name, number in numbers.items():
            self._write(step, None, f"{party}/{name}", _number(number))
        for name, weight in weights.items():
            self._write(step, None, f"weight/{name}", weight)

    def close(self) -> None:
        """Close the file; a program that ends need not."""
        self._file.close()

    def _write(self, step: int, microbatch: int | None, name: str, tensor: torch.Tensor) -> None:
        entry = {"step": step, "microbatch": microbatch, "tensor": name, "sha256": digest(tensor)}
        self._file.write(json.dumps(entry) + "\n")
        if self.keeps_whole(step):
            place = name if microbatch is None else f"{name}.{microbatch}"
            file = self._folder / f"step-{step}" / f"{place}.safetensors"
            file.parent.mkdir(parents=True, exist_ok=True)
            save_file({"tensor": tensor.detach().cpu().contiguous()}, file)


def _number(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


def open_tensor_log(folder: Path | None, record_steps: Iterable[int]) -> TensorLog:
    """Return a log in `folder`, or one that writes nothing."""
    return FileTensorLog(folder, record_steps) if folder else NullTensorLog()
