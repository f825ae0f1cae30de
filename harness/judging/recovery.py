"""How long the client takes to make progress after a fault has healed."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from math import ceil, inf

__all__ = ["PROGRESS", "quantile", "seconds_to_progress"]

# Points that the client passes when an answer of the trunk arrives, or when its work is done.
PROGRESS = frozenset(
    {
        "client.session.opened",
        "client.forward.received",
        "client.backward.received",
        "client.gradients.received",
        "client.checkpoint.writing",
        "client.training.finished",
    }
)


def seconds_to_progress(passed: Iterable[tuple[float, str]], healed: Iterable[float]) -> list[float | None]:
    """Return the time from each healing to the client's next progress; infinite if there was none.

    None stands for a fault that healed after the client's work was done, which needs no progress.

    Args:
        passed: times of all points passed.
        healed: times at which faults healed.
    """
    times = list(passed)
    progress = sorted(t for t, point in times if point in PROGRESS)
    done = max((t for t, point in times if point == "client.training.finished"), default=inf)

    def wait(at: float) -> float | None:
        if at >= done:
            return None
        following = bisect_left(progress, at)
        return progress[following] - at if following < len(progress) else inf

    return [wait(at) for at in healed]


def quantile(rising: Sequence[float], share: float) -> float:
    """Return the smallest of some ascending numbers that at least this share of them does not exceed."""
    return rising[max(1, ceil(share * len(rising))) - 1]
