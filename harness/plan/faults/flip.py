"""One bit to be altered in transit."""

import random
from dataclasses import dataclass
from typing import Literal

from harness.plan.faults.toxic import Stream

__all__ = ["PARTS", "Flip", "Part"]

Part = Literal[
    "preface", "frame header", "settings", "headers", "data", "trailers", "window update", "ping", "reset", "goaway",
    "other", "anywhere",
]  # fmt: skip
# Parts that occur on every connection, by direction.
PARTS: dict[Stream, tuple[Part, ...]] = {
    "upstream": ("preface", "settings", "frame header", "headers", "data", "window update", "ping"),
    "downstream": ("settings", "frame header", "headers", "data", "trailers", "window update", "ping"),
}
# About as many bytes as a few exchanges of a small model.
FARTHEST = 40_000


@dataclass(frozen=True)
class Flip:
    """A bit of the next bytes.

    Attributes:
        name: identifies the flip in the relay's report.
        stream: direction.
        part: kind of part, the next one of which is meant; "anywhere" counts bytes instead.
        seed: decides which bit.
    """

    name: str
    stream: Stream
    part: Part
    seed: int

    def place(self, size: int) -> tuple[int, int]:
        """Return which byte, of `size` bytes, and which bit of it."""
        chance = random.Random(f"{self.seed} {self.part} {self.stream}")  # noqa: S311 - repeatable, not secret
        return chance.randrange(size), chance.randrange(8)
