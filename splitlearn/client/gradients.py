"""The client's gradients: the top's are computed before the trunk's, the bottom's after them.

Shapes: B sequences, T positions, H hidden width.
"""

from collections.abc import Mapping, Sequence

import torch

from splitlearn.models.family import ClientStage

__all__ = ["ClientGradients", "clip_coefficient", "global_norm"]

NORM_EPSILON = 1e-6  # as in torch.nn.utils.clip_grad_norm_


class ClientGradients:
    """Accumulates a step's gradients in `parameter.grad`, in the order of the microbatches.

    A tied weight has a contribution from the head and one from the embedding: they are summed per microbatch before
    they join the accumulator, as one backward pass through the uncut model does.
    """

    def __init__(self, stage: ClientStage) -> None:
        self._parameters = stage.trainable()
        self._bottom = {name: p for name, p in stage.bottom_parameters().items() if name in self._parameters}
        self._top = {name: p for name, p in stage.top_parameters().items() if name in self._parameters}
        self._tied = self._bottom.keys() & self._top.keys()
        self._held: dict[int, dict[str, torch.Tensor]] = {}

    def add_top(self, microbatch: int, loss: torch.Tensor, features_BTH: torch.Tensor) -> torch.Tensor:
        """Differentiate the top; return the gradient of the features."""
        features_grad_BTH, *gradients = torch.autograd.grad(loss, [features_BTH, *self._top.values()])
        named = dict(zip(self._top, gradients, strict=True))
        self._held[microbatch] = {name: named.pop(name) for name in self._tied}
        self._accumulate(named)
        return features_grad_BTH

    def add_bottom(self, microbatch: int, smashed_BTH: torch.Tensor, smashed_grad_BTH: torch.Tensor) -> None:
        """Run the bottom backward, unless all of it is frozen."""
        if not self._bottom:
            return
        gradients = torch.autograd.grad(smashed_BTH, list(self._bottom.values()), smashed_grad_BTH)
        named = dict(zip(self._bottom, gradients, strict=True))
        for name, from_head in self._held.pop(microbatch).items():
            named[name] = from_head + named[name]
        self._accumulate(named)

    def accumulated(self) -> dict[str, torch.Tensor]:
        """Return the step's gradients so far."""
        return {name: p.grad for name, p in self._parameters.items() if p.grad is not None}

    def norms(self) -> dict[str, float]:
        """Return each parameter's gradient norm."""
        return {name: float(torch.linalg.vector_norm(g)) for name, g in self.accumulated().items()}

    def clear(self) -> None:
        """Drop the gradients of an abandoned step."""
        self._held.clear()

    def _accumulate(self, gradients: Mapping[str, torch.Tensor]) -> None:
        for name, gradient in gradients.items():
            parameter = self._parameters[name]
            if parameter.grad is None:
                parameter.grad = gradient
            else:
                parameter.grad.add_(gradient)


def global_norm(norms: Mapping[str, float], order: Sequence[str], device: str) -> float:
    """Combine per-parameter norms in the uncut model's order, in float32, into the norm over all parameters."""
    in_order = torch.tensor([norms[name] for name in order], dtype=torch.float32, device=device)
    return float(torch.linalg.vector_norm(in_order))


def clip_coefficient(norm: float, max_norm: float) -> float | None:
    """Return the factor that scales a gradient of norm `norm` to at most `max_norm`; None if clipping is off.

    Computed in float32, as `torch.nn.utils.clip_grad_norm_` does.
    """
    if max_norm == 0:
        return None
    return float(torch.clamp(max_norm / (torch.tensor(norm) + NORM_EPSILON), max=1.0))
