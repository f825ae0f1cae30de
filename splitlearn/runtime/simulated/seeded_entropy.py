"""Entropy drawn from a seed."""

import random

__all__ = ["SeededEntropy"]


class SeededEntropy:
    """The same bits for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret

    def bits(self, count: int) -> int:
        """Return `count` random bits as a number."""
        return self._random.getrandbits(count)

    def unique_name(self) -> str:
        """Return a name that is the same for the same seed."""
        return f"simulated-{self.bits(64):016x}"
