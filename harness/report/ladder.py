"""The ladder of equivalence: each rung adds one layer, so the first that fails names the guilty one."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Rung", "ladder"]

NAMES = {
    "reference": "One process",
    "local": "Local trunk",
    "simulated": "Simulated network",
    "direct": "gRPC direct",
    "proxy": "gRPC through Toxiproxy",
}


@dataclass(frozen=True)
class Rung:
    """One rung and what is known of it."""

    name: str
    state: Literal["baseline", "holds", "fails", "unknown"]


def ladder(failing: str | None) -> list[Rung]:
    """Give the rungs up to the top with `failing` as the first that fails.

    Empty when no rung is named; a name that is not of the ladder is the only rung given.
    """
    if not failing:
        return []
    if failing not in NAMES:
        return [Rung(failing, "fails")]
    keys = list(NAMES)
    fallen = keys.index(failing)
    return [
        *(Rung(NAMES[key], "holds" if key != "reference" else "baseline") for key in keys[:fallen]),
        Rung(NAMES[failing], "fails"),
        *(Rung(NAMES[key], "unknown") for key in keys[fallen + 1 :]),
    ]
