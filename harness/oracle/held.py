"""What autograd saves in a forward pass for the backward pass, as the library's hooks see it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["Held", "held_tensors"]


class Held:
    """Storages saved for a backward pass, without weights, each counted once."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
        self._kept: dict[int, int] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of all storages."""
        return sum(self._kept.values())

    def keep(self, tensor: torch.Tensor) -> torch.Tensor:
        """Count a tensor and return it without its graph, which would otherwise hold itself."""
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in self._weights:
            self._kept[storage.data_ptr()] = storage.nbytes()
        return tensor.detach()


@contextmanager
def held_tensors(model: torch.nn.Module) -> Iterator[Held]:
    """Count what a forward pass within the `with` block saves."""
    held = Held(model)
    with torch.autograd.graph.saved_tensors_hooks(held.keep, lambda tensor: tensor):
        yield held
