"""Lines of split.jsonl and reference.jsonl: one optimizer step each."""

from dataclasses import dataclass

__all__ = ["Breakdown", "StepRecord"]


@dataclass(frozen=True)
class Breakdown:
    """The seconds of a step by phase, as `splitlearn.profile.PHASES` names them; in older runs some are 0."""

    bottom: float = 0.0
    encode: float = 0.0
    forward_wait: float = 0.0
    decode: float = 0.0
    top: float = 0.0
    backward_wait: float = 0.0
    update: float = 0.0


@dataclass(frozen=True)
class StepRecord:
    """One optimizer step of the split run or of the reference."""

    step: int
    loss: float | None = None
    learning_rate: float | None = None
    grad_norm: float | None = None
    tokens: int | None = None
    skipped: bool = False
    seconds: float | None = None
    breakdown: Breakdown | None = None
