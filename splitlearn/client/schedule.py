"""The order of a step's work, as a value: which microbatch's forward, top and backward pass comes when.

Every schedule treats the microbatches in order within each kind of work, so that gradients are added in the same order
and no bit depends on the schedule.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from splitlearn.config import TrainingConfig

__all__ = ["SCHEDULES", "Action", "Work", "schedule_of"]


class Work(Enum):
    """What the client does for a microbatch."""

    FORWARD = "run the bottom forward, and ask the trunk for the features"
    TOP = "await the features, run the top forward and backward, and ask the trunk for the gradient of the smashed data"
    BACKWARD = "await that gradient, and run the bottom backward"


@dataclass(frozen=True)
class Action:
    """One piece of work.

    Attributes:
        work: what to do.
        microbatch: for which microbatch of the step.
    """

    work: Work
    microbatch: int


def all_forward_all_backward(microbatches: int, window: int) -> list[Action]:  # noqa: ARG001 - the signature of a schedule
    """Return all forward passes, then all tops, then all backward passes, as in GPipe (Huang et al., 2019)."""
    return [Action(work, microbatch) for work in Work for microbatch in range(microbatches)]


def one_forward_one_backward(microbatches: int, window: int) -> list[Action]:
    """Return a schedule with at most `window` microbatches open, after 1F1B (PipeDream: Narayanan et al., 2019).

    A new microbatch begins whenever one has finished. Half of the open ones wait for features and half for gradients,
    so that calls of both kinds are in flight while the client computes.
    """
    window = min(window, microbatches)
    behind = window // 2
    actions = [Action(Work.FORWARD, microbatch) for microbatch in range(window)]
    for number in range(microbatches + behind):
        if number < microbatches:
            actions.append(Action(Work.TOP, number))
        finished = number - behind
        if finished >= 0:
            actions.append(Action(Work.BACKWARD, finished))
            if finished + window < microbatches:
                actions.append(Action(Work.FORWARD, finished + window))
    return actions


# From the number of microbatches and the window to the actions.
SCHEDULES: Mapping[str, Callable[[int, int], Sequence[Action]]] = MappingProxyType(
    {"afab": all_forward_all_backward, "1f1b": one_forward_one_backward}
)


def schedule_of(config: TrainingConfig, microbatches: int) -> Sequence[Action]:
    """Return the actions of a step with so many microbatches."""
    return SCHEDULES[config.schedule](microbatches, config.window)
