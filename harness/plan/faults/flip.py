"""One bit that is to be altered on its way."""

import random
from dataclasses import dataclass
from typing import Literal

from harness.plan.faults.toxic import Stream

__all__ = ["PARTS", "Flip", "Part"]

Part = Literal[
    "preface", "frame header", "settings", "headers", "data", "trailers", "window update", "ping", "reset", "goaway",
    "other", "anywhere",
]  # fmt: skip
# Parts of which there are some on every connection, by direction.
PARTS: dict[Stream, tuple[Part, ...]] = {
    "upstream": ("preface", "settings", "frame header", "headers", "data", "window update", "ping"),
    "downstream": ("settings", "frame header", "headers", "data", "trailers", "window update", "ping"),
}
# About as many bytes as a few exchanges of a small model have.
FARTHEST = 40_000


@dataclass(frozen=True)
class Flip:
    """A bit of the next bytes.

    Attributes:
        name: that the relay's word is told with.
        stream: direction.
        part: of the next such part; "anywhere" counts bytes instead.
        seed: which of its bits.
    """

    name: str
    stream: Stream
    part: Part
    seed: int

    def place(self, size: int) -> tuple[int, int]:
        """Return which byte, of so many, and which bit of it."""
        chance = random.Random(f"{self.seed} {self.part} {self.stream}")  # noqa: S311 - repeatable, not secret
        return chance.randrange(size), chance.randrange(8)
