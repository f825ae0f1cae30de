"""An in-memory tensor log with the same digests as a real run's log on disk."""

from collections.abc import Mapping

import torch

from splitlearn.tensor_log import Party, digest

__all__ = ["DigestLog"]


class DigestLog:
    """Stores one digest per tensor.

    Args:
        party: whose log it is.
        digests: receives the digests, keyed by party, step, microbatch and name.
        whole: steps for which the client also fetches the trunk's gradients.
    """

    def __init__(
        self, party: str, digests: dict[tuple[str, int, int | None, str], str], whole: tuple[int, ...] = ()
    ) -> None:
        self._party = party
        self._digests = digests
        self._whole = whole

    def keeps_whole(self, step: int) -> bool:
        """Return whether the client fetches the trunk's gradients of a step."""
        return step in self._whole

    def boundary(self, step: int, microbatch: int, name: str, tensor: torch.Tensor) -> None:
        """Record a tensor that crosses a cut, or a microbatch's loss."""
        self._put(step, microbatch, name, tensor)

    def gradients(self, step: int, gradients: Mapping[str, torch.Tensor]) -> None:
        """Record a step's accumulated gradients."""
        for name, tensor in gradients.items():
            self._put(step, None, name, tensor)

    def norms(self, step: int, norms: Mapping[str, float], total: float) -> None:
        """Record the norm of each parameter's gradient, and the global norm."""
        for name, norm in norms.items():
            self._put(step, None, f"norm/{name}", _number(norm))
        self._put(step, None, "client/grad_norm", _number(total))

    def update(
        self, step: int, party: Party, numbers: Mapping[str, float], weights: Mapping[str, torch.Tensor]
    ) -> None:
        """Record the numbers of a party's weight update, and the updated weights."""
        for name, number in numbers.items():
            self._put(step, None, f"{party}/{name}", _number(number))
        for name, weight in weights.items():
            self._put(step, None, f"weight/{name}", weight)

    def _put(self, step: int, microbatch: int | None, name: str, tensor: torch.Tensor) -> None:
        self._digests[self._party, step, microbatch, name] = digest(tensor)


def _number(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)
