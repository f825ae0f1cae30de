"""The simulated world in which a run took place."""

from dataclasses import dataclass

__all__ = ["SimulatedWorld"]


@dataclass(frozen=True)
class SimulatedWorld:
    """What a simulated run records in addition to what every run records.

    Attributes:
        seed: seed of the choice tape.
        events: number of events at which the invariants were checked.
        trace_hash: a digest of everything that happened, in hexadecimal.
        violation: the first violated invariant, and what happened; empty if all held.
    """

    seed: int
    events: int
    trace_hash: str
    violation: str = ""
