"""The likely causes that a diagnosis can name."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Cause", "Diagnosis"]


class Cause(StrEnum):
    """What is wrong, as far as a pattern can tell; the sentence of a diagnosis says where."""

    # Of what a forward pass computes.
    INPUT = "other input"
    RANDOMNESS = "random numbers"
    ATTENTION = "attention"
    ROUNDED = "rounded"
    ORDER = "order of arithmetic"
    STALE = "stale tensor"
    ARITHMETIC = "other arithmetic"
    LOSS_SCALE = "scale of the loss"
    LABELS = "labels or loss"
    RECOMPUTED = "recomputed otherwise"
    # Of gradients.
    SCALED = "gradient scaled"
    PASSED_ON = "gradient passed on unchanged"
    DOUBLED = "accumulated twice"
    LEFT_OVER = "left over from the step before"
    LOST = "gradient lost"
    ACCUMULATION = "accumulation"
    TIED = "tied weight"
    # Of the update.
    NORM = "norm"
    CLIPPING = "clipping"
    RATE = "learning rate"
    DECAY = "weight decay"
    NOT_APPLIED = "update not applied"
    MIDSTEP = "weights changed within a step"
    OPTIMIZER = "optimizer"
    # Of recovery.
    RESTORED = "restored state"
    CHECKPOINT = "checkpoint"
    SKIPPED = "skipped on one side"
    ONCE = "applied once"
    FENCING = "superseded client"
    SESSIONS = "sessions mixed up"
    # Of everything besides the bits.
    ENDED = "did not end"
    WASTE = "work done twice"
    BYTES = "bytes sent needlessly"
    SLOW = "time"
    MEMORY = "memory"
    DEADLINE = "no deadline"
    DOOR = "open door"
    EXPORT = "export"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Diagnosis:
    """A likely cause, and the sentence that names what was seen."""

    cause: Cause
    sentence: str
