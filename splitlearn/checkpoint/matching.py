"""Whether a half belongs to this run's settings and this model."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch

from splitlearn.checkpoint.half import CheckpointHalf
from splitlearn.errors import CheckpointError, DamagedCheckpointError

__all__ = ["check_settings", "check_tensors"]


def check_settings(path: Path, half: CheckpointHalf, current: Mapping[str, str]) -> None:
    """Raise `CheckpointError` if the half of a file was made with another value of a current setting."""
    saved = json.loads(half.mark.agreement)
    for name in current:
        if saved.get(name) != current[name]:
            longer = "; to train on for longer, export the model and start a run from it with --init-from"
            raise CheckpointError(
                f"{path} was made with {name} = {saved.get(name)}, now it is {current[name]}; "
                f"use the settings of the first run{longer if name == 'steps in all' else ''}"
            )


def check_tensors(path: Path, half: CheckpointHalf, like: Mapping[str, torch.Tensor]) -> None:
    """Raise `DamagedCheckpointError` for names, shapes or types unlike the model's.

    Optimizer state has its parameter's shape or is a number.
    """
    own = {name: (tensor.shape, tensor.dtype) for name, tensor in like.items()}
    given = {name: (tensor.shape, tensor.dtype) for name, tensor in half.weights.items()}
    owners = {
        name: (own.get(name.rpartition("/")[0], (None, None))[0], tensor.shape)
        for name, tensor in half.optimizer_state.items()
    }
    wrong = [name for name in {**own, **given} if own.get(name) != given.get(name)]
    wrong += [name for name, (wanted, shape) in owners.items() if wanted is None or shape not in (wanted, ())]
    if wrong:
        raise DamagedCheckpointError(f"{path} is damaged: {wrong[0]} is not as the model has it")
