"""The choice tape: the source of every random number in a simulated world.

Each number is a keyed hash (BLAKE2b) of the choice's name, not the next output of a generator, so it does not depend on
how many numbers were drawn before. When a fault is removed from a case, the remaining messages keep their delays; this
is what makes shrinking work.
"""

import hashlib

__all__ = ["Choices"]


class Choices:
    """Draws numbers that depend only on the seed and on each choice's name.

    Args:
        seed: the tape's seed.
        calm: return 0 for every choice, which means the shortest delays.

    Attributes:
        drawn: number of choices drawn so far.
    """

    def __init__(self, seed: int, *, calm: bool = False) -> None:
        self.drawn = 0
        self._key = f"{seed}".encode()
        self._calm = calm

    def number(self, *name: object) -> int:
        """Return a 64-bit number, always the same for the same name."""
        self.drawn += 1
        if self._calm:
            return 0
        text = "|".join(map(str, name)).encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8, key=self._key).digest(), "little")

    def below(self, limit: int, *name: object) -> int:
        """Return an integer from 0 to `limit - 1`."""
        return self.number(*name) % limit

    def share(self, *name: object) -> float:
        """Return a number in the half-open interval [0, 1)."""
        return self.number(*name) / (1 << 64)
