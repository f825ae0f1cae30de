"""Where the model is cut: `Cuts(lower, upper)` as half-open block indices of the trunk."""

import re
from dataclasses import dataclass
from typing import Self

__all__ = ["Cuts"]


@dataclass(frozen=True)
class Cuts:
    """The trunk holds blocks `lower` to `upper - 1`.

    `lower = 0` leaves the embeddings alone in the bottom; `upper = n_layer` leaves the final norm and the head
    alone in the top.

    Raises:
        ValueError: the trunk would be empty or start before the first block.
    """

    lower: int
    upper: int

    def __post_init__(self) -> None:
        """Refuse an empty trunk."""
        if not 0 <= self.lower < self.upper:
            raise ValueError(
                f"cuts {self.lower}:{self.upper} leave no block for the trunk; allowed is 0 <= lower < upper"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the form `lower:upper`, like `1:3`."""
        match = re.fullmatch(r"(\d+):(\d+)", text)
        if match is None:
            raise ValueError("cuts are written lower:upper, like 1:3")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        """Return the form that `parse` reads."""
        return f"{self.lower}:{self.upper}"
