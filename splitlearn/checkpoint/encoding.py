"""A half of a checkpoint as the bytes of a safetensors file, its mark in the header."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from splitlearn.checkpoint.half import CheckpointHalf, CheckpointMark
from splitlearn.errors import DamagedCheckpointError
from splitlearn.runtime import Disk

__all__ = ["encode_half", "read_half"]

PARTS = ("weights/", "optimizer_state/", "codec_states/")
# The only key of the header: safetensors orders several anew in every file, and the same half must have the same bytes.
HEADER = "digest and mark"


def encode_half(half: CheckpointHalf) -> bytes:
    """Return the bytes of a half's file."""
    parts = zip(PARTS, (half.weights, half.optimizer_state, half.codec_states), strict=True)
    plain = {f"{part}{name}": value.detach().cpu().contiguous() for part, own in parts for name, value in own.items()}
    text = half.mark.text()
    return save(plain, {HEADER: f"{_digest(text)} {text}"})


def read_half(disk: Disk, path: Path) -> CheckpointHalf:
    """Read a half's file; raises `DamagedCheckpointError` if it is torn, altered or not there."""
    try:
        with disk.as_file(path) as place, safe_open(place, "pt") as file:
            mark_digest, _, text = file.metadata()[HEADER].partition(" ")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        mark = CheckpointMark(**json.loads(text))
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise DamagedCheckpointError(f"{path} cannot be read ({error})") from None
    half = CheckpointHalf(mark, *(_below(part, tensors) for part in PARTS))
    if mark_digest != _digest(text):
        raise DamagedCheckpointError(f"{path} is damaged: its mark does not match its own digest")
    if not half.is_sound:
        raise DamagedCheckpointError(f"{path} is damaged: its tensors do not match its own digests")
    return half


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _below(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
