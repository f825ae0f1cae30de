"""What makes two runs draw the same random numbers and round the same way."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from splitlearn.config import TrainingConfig
from splitlearn.errors import ConfigError

__all__ = ["Stage", "make_deterministic", "stage_scope", "stage_seed"]

Stage = Literal["bottom", "trunk", "top"]


def make_deterministic(config: TrainingConfig) -> None:
    """Fix the thread count and choose deterministic algorithms; call once per process, before any arithmetic.

    Raises:
        ConfigError: this machine lacks the device.
    """
    _check_device(torch.device(config.device))
    torch.set_num_threads(config.threads)
    torch.use_deterministic_algorithms(True)  # noqa: FBT003 - torch's own signature


def _check_device(device: torch.device) -> None:
    count = torch.cuda.device_count() if device.type == "cuda" else 1
    if (device.index or 0) >= count:
        found = f"torch finds {count} CUDA devices" if count else "torch finds no CUDA device"
        raise ConfigError(f"device = {device}: {found} on this machine; use --device cpu, or one that it has")


def stage_seed(seed: int, step: int, microbatch: int, stage: Stage) -> int:
    """Derive the generator's seed for one stage's forward pass.

    Counter-based: a replayed or recomputed forward pass draws the same dropout mask, in any order, anywhere.

    Returns:
        A number below 2**63.
    """
    key = f"splitlearn/dropout/{seed}/{step}/{microbatch}/{stage}".encode()
    return int.from_bytes(hashlib.sha256(key).digest()[:8], "little") >> 1


@contextmanager
def stage_scope(config: TrainingConfig, step: int, microbatch: int, stage: Stage) -> Iterator[None]:
    """Run one stage's forward pass with its own random numbers and the run's precision."""
    device = torch.device(config.device).type
    _seed_generators(device, stage_seed(config.seed, step, microbatch, stage))
    with torch.autocast(device, dtype=torch.bfloat16, enabled=config.dtype == "bfloat16"):
        yield


def _seed_generators(device: str, seed: int) -> None:
    """Seed the generators that a stage draws from, as `torch.manual_seed` does.

    That function takes a tenth of a millisecond or more, because it formats a traceback for every kind of device that
    is not in use.
    """
    torch.default_generator.manual_seed(seed)
    if device == "cuda":
        torch.cuda.manual_seed_all(seed)  # the run's device need not be the current one
