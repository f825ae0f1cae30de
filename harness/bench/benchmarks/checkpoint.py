"""Saving and restoring half a checkpoint, against a plain file of safetensors with the same tensors."""

import os
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load, save_file

from harness.bench.intervals import measurement
from harness.bench.pairs import pairs_of, timed
from harness.bench.workbench import Workbench
from harness.recording.schema import MeasurementRecord
from splitlearn.checkpoint import CheckpointStore
from splitlearn.runtime import real_runtime

__all__ = ["measure"]

PAIRS, QUICK_PAIRS = 15, 3
# With Adam's two moments of each weight, 96 MiB: the half of a model with eight million parameters.
LAYERS, SHAPE = 8, (1024, 1024)
MOMENTS = ("exp_avg", "exp_avg_sq")
STEP = 1
MIB = 1 << 20


def measure(workbench: Workbench) -> Iterator[MeasurementRecord]:
    """Yield the measurement of saving, and of restoring."""
    pairs = QUICK_PAIRS if workbench.quick else PAIRS
    weights = {f"h.{layer}.weight": torch.randn(SHAPE) for layer in range(LAYERS)}
    moments = {f"{name}/{moment}": torch.randn(SHAPE) for name in weights for moment in MOMENTS}
    size = {"MiB": sum(tensor.nbytes for tensor in (*weights.values(), *moments.values())) // MIB}
    with workbench.fresh_folder() as folder:
        store = CheckpointStore(real_runtime().disk, folder, "bench", "client")
        plain = folder / "plain.safetensors"
        save = timed(lambda: store.save(STEP, {}, weights, moments))
        yield measurement(
            "checkpoint/save", "a plain file, synced", "half a checkpoint",
            pairs_of(pairs, timed(lambda: _save_plainly(weights | moments, plain)), save), size,
        )  # fmt: skip
        restore = timed(lambda: store.load(STEP, {}))
        yield measurement(
            "checkpoint/restore", "a plain file", "half a checkpoint",
            pairs_of(pairs, timed(lambda: load(plain.read_bytes())), restore), size,
        )  # fmt: skip


def _save_plainly(tensors: dict[str, torch.Tensor], path: Path) -> None:
    save_file(tensors, path)
    with path.open("rb") as file:
        os.fsync(file.fileno())
