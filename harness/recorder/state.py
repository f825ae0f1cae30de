"""The tensors of a model and its optimizers, under a recording's names."""

from collections.abc import Callable, Iterator

import torch

from harness.errors import UnusableError

__all__ = ["Names", "gradients_of", "optimizer_state_of", "weights_of"]

# Maps a name in a model to the canonical one.
Names = Callable[[str], str]


def gradients_of(model: torch.nn.Module, names: Names) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield a model's gradients; a tied weight's once."""
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            yield names(name), parameter.grad


def weights_of(model: torch.nn.Module, names: Names) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield parameters, tied ones once, and persistent buffers."""
    yield from ((names(name), parameter) for name, parameter in model.named_parameters())
    kept = model.state_dict().keys()
    yield from ((names(name), buffer) for name, buffer in model.named_buffers() if name in kept)


def optimizer_state_of(
    model: torch.nn.Module, optimizer: torch.optim.Optimizer, names: Names
) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield an optimizer's state as `NAME/KEY`; numbers become float64.

    Raises `UnusableError` if a parameter with state is not the model's.
    """
    name_of: dict[torch.Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
    for parameter, state in optimizer.state.items():
        if parameter not in name_of:
            raise UnusableError(
                f"the optimizer has state of a parameter of shape {tuple(parameter.shape)} that the model does not "
                "name; give the model that its parameters were taken from"
            )
        for key, value in state.items():
            if isinstance(value, torch.Tensor):
                yield f"{names(name_of[parameter])}/{key}", value
            elif isinstance(value, int | float):
                yield f"{names(name_of[parameter])}/{key}", torch.tensor(value, dtype=torch.float64)
