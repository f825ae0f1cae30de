"""The choice tape: every number that a simulated world draws.

A choice is drawn by its name, not by its turn: what decides the delay of one message depends on nothing else that
happens. So a case from which a fault was removed keeps the delays of all other messages, and a shrunk case still means
what it meant before.
"""

import hashlib

__all__ = ["Choices"]


class Choices:
    """Draws from a seed.

    Args:
        seed: of the tape.
        calm: draw 0 for everything, the least that can happen.

    Attributes:
        drawn: how many choices were made.
    """

    def __init__(self, seed: int, *, calm: bool = False) -> None:
        self.drawn = 0
        self._key = f"{seed}".encode()
        self._calm = calm

    def number(self, *name: object) -> int:
        """Return 64 bits, always the same for the same name."""
        self.drawn += 1
        if self._calm:
            return 0
        text = "|".join(map(str, name)).encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8, key=self._key).digest(), "little")

    def below(self, limit: int, *name: object) -> int:
        """Return a number from 0 to `limit - 1`."""
        return self.number(*name) % limit

    def share(self, *name: object) -> float:
        """Return a number from 0 to 1, exclusive."""
        return self.number(*name) / (1 << 64)
