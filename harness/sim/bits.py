"""Compares every tensor of a simulated run with the undisturbed run's, as soon as it is computed."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping

import torch

from splitlearn.tensor_log import Party

__all__ = ["Bits", "BitsLog"]

Key = tuple[int, int | None, str]
# With the session before it.
SessionKey = tuple[str, int, int | None, str]
# Reports one difference, as a sentence.
Differ = Callable[[str], None]


class Bits:
    """Tensor digests, keyed by session, step, microbatch and name.

    Attributes:
        compared: number of tensors compared with another run's.
    """

    def __init__(self) -> None:
        self.compared = 0
        self._digests: dict[SessionKey, bytes] = {}

    def __len__(self) -> int:
        """Return the number of digests stored."""
        return len(self._digests)

    def put(self, key: SessionKey, data: bytes) -> None:
        """Store a tensor's digest, replacing any earlier one."""
        self._digests[key] = data

    def get(self, key: SessionKey) -> bytes | None:
        """Return a tensor's digest; None if there is none."""
        return self._digests.get(key)


class BitsLog:
    """A tensor log that stores digests, and compares them with those of another run.

    Args:
        known: digests of the undisturbed run; None to store without comparing.
        found: receives every digest.
        differ: called with a description of every difference.
        party: whose tensors these are; both parties may use the same names.
        session: returns the session whose tensors are computed now.
        whole: steps for which the client also fetches the trunk's gradients.
    """

    def __init__(
        self,
        known: Bits | None,
        found: Bits,
        differ: Differ,
        party: str,
        session: Callable[[], str],
        whole: Collection[int] = (),
    ) -> None:
        self._known = known
        self._found = found
        self._differ = differ
        self._party = party
        self._session = session
        self._whole = whole

    def keeps_whole(self, step: int) -> bool:
        """Return whether the client fetches the trunk's gradients of a step; only digests are kept in any case."""
        return step in self._whole

    def boundary(self, step: int, microbatch: int, name: str, tensor: torch.Tensor) -> None:
        """Record a tensor that crosses a cut, or a microbatch's loss."""
        self._take((step, microbatch, name), tensor)

    def gradients(self, step: int, gradients: Mapping[str, torch.Tensor]) -> None:
        """Record a step's accumulated gradients."""
        self._take_all(step, "", gradients.items())

    def norms(self, step: int, norms: Mapping[str, float], total: float) -> None:
        """Record the norm of each parameter's gradient, and the global norm."""
        self._take_numbers((step, None, "norms"), (*norms.items(), ("total", total)))

    def update(
        self, step: int, party: Party, numbers: Mapping[str, float], weights: Mapping[str, torch.Tensor]
    ) -> None:
        """Record the numbers of a party's weight update, and the updated weights."""
        self._take_numbers((step, None, f"{party} update"), numbers.items())
        self._take_all(step, "weight ", weights.items())

    def _take_all(self, step: int, kind: str, tensors: Iterable[tuple[str, torch.Tensor]]) -> None:
        for name, tensor in tensors:
            self._take((step, None, f"{self._party} {kind}{name}"), tensor)

    def _take_numbers(self, key: Key, numbers: Iterable[tuple[str, float]]) -> None:
        self._keep(key, repr([(name, value.hex()) for name, value in numbers]).encode())

    def _take(self, key: Key, tensor: torch.Tensor) -> None:
        plain = tensor.detach().contiguous()
        # NumPy has no bfloat16.
        same_size = plain.view(torch.int16) if plain.dtype is torch.bfloat16 else plain
        self._keep(key, same_size.numpy().tobytes())

    def _keep(self, key: Key, data: bytes) -> None:
        digest = data if len(data) <= 16 else hashlib.blake2b(data, digest_size=16).digest()
        session = self._session()
        whole_key = (session, *key)
        self._found.put(whole_key, digest)
        if self._known is None:
            return
        self._found.compared += 1
        if self._known.get(whole_key) != digest:
            step, microbatch, name = key
            where = "" if microbatch is None else f", microbatch {microbatch}"
            found = f"{self._party}: {name} of step {step}{where} differs from the undisturbed run"
            self._differ(f"session {session!r}: {found}")
