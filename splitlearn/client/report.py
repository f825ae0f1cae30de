"""What training reports: the outcome of a step, and of a run."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["StepReport", "TrainingResult"]


@dataclass(frozen=True)
class StepReport:
    """The outcome of a step.

    Attributes:
        step: counted from 0.
        loss: mean over the step's target tokens in nats; NaN if it could not be computed.
        learning_rate: the update's.
        grad_norm: global norm before clipping.
        tokens: target tokens.
        positions: B x T summed over the microbatches, padding included.
        skipped: whether the norm was not finite, so that no weight changed.
        seconds: duration.
        breakdown: the same seconds, by part of the step; `splitlearn.profile.PHASES` has the parts.
    """

    step: int
    loss: float
    learning_rate: float
    grad_norm: float
    tokens: int
    positions: int
    skipped: bool
    seconds: float
    breakdown: Mapping[str, float]

    @property
    def tokens_per_second(self) -> float:
        """The step's speed; infinite if no time has passed, as in a simulation."""
        return self.tokens / self.seconds if self.seconds else math.inf


@dataclass(frozen=True)
class TrainingResult:
    """How a run ended.

    Attributes:
        steps: total number applied.
        done: number of steps done by this process, perhaps some of them twice.
        skipped: how many of these were skipped because something was not finite.
        last_loss: of the last step, in nats; NaN if it was not finite or nothing was done.
        metrics: file with one JSON object per step.
        stopped: whether it was asked to stop before its end.
        saved: what can be resumed from, in words.
    """

    steps: int
    done: int
    skipped: int
    last_loss: float
    metrics: Path
    stopped: bool
    saved: str
