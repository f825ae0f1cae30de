"""How much memory a party uses at a step."""

from dataclasses import dataclass

__all__ = ["MemorySample"]


@dataclass(frozen=True)
class MemorySample:
    """Memory of one life of a party, in bytes, when the client had applied a step.

    Attributes:
        party: client or trunk.
        life: how often it had been started.
        step: that was applied.
        nbytes: resident memory of its own.
        peak: the most that was ever resident, shared libraries included.
    """

    party: str
    life: int
    step: int
    nbytes: int
    peak: int
