"""The simulated world in which a run took place."""

from dataclasses import dataclass

__all__ = ["SimulatedWorld"]


@dataclass(frozen=True)
class SimulatedWorld:
    """What is known of it besides what every run leaves behind.

    Attributes:
        seed: of everything that it drew.
        events: how many events its invariants were checked at.
        violation: the first invariant that did not hold, with what happened; empty if all held.
    """

    seed: int
    events: int
    violation: str = ""
