"""Memory use of a party at a step."""

from dataclasses import dataclass

__all__ = ["MemorySample"]


@dataclass(frozen=True)
class MemorySample:
    """Memory of one life of a party, in bytes, after the client applied a step.

    Attributes:
        party: client or trunk.
        life: number of this life, from 1.
        step: that was applied.
        nbytes: resident memory of its own.
        peak: peak resident memory, shared libraries included.
    """

    party: str
    life: int
    step: int
    nbytes: int
    peak: int
