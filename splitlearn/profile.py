"""Where the time of training steps goes: the names of their parts, medians, and a table of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["PHASES", "TRUNK_PHASES", "Phase", "medians", "phases_of", "table"]

OTHER = "other"
# Of a client's step, in the order of a step with one microbatch. What it waits for is the network and the trunk.
PHASES: Mapping[str, str] = {
    "bottom": "Bottom forward",
    "encode": "Encoding and sending",
    "forward_wait": "Waiting for features",
    "decode": "Decoding",
    "top": "Top forward and backward",
    "backward_wait": "Waiting for gradients",
    "update": "Bottom backward and update",
    OTHER: "Other",
}
# Of what the trunk does for a step, in the order of a request.
TRUNK_PHASES: Mapping[str, str] = {
    "decode": "Decoding",
    "queue": "Waiting for the computing thread",
    "compute": "Forward, backward and update",
    "encode": "Encoding",
}


@dataclass(frozen=True)
class Phase:
    """One part of a step, with its median in seconds and its share of the sum of all medians."""

    key: str
    name: str
    seconds: float
    share: float

    @property
    def waiting(self) -> bool:
        """Whether nothing is done in it."""
        return self.key.endswith("_wait")


def phases_of(seconds: float, breakdown: Mapping[str, float]) -> dict[str, float]:
    """Return the seconds of every phase of a client's step, from the step's duration and its measured parts."""
    known = {key: breakdown.get(key, 0.0) for key in PHASES if key != OTHER}
    return {**known, OTHER: max(0.0, seconds - sum(known.values()))}


def medians(names: Mapping[str, str], steps: Sequence[Mapping[str, float]]) -> list[Phase]:
    """Return the median of each phase over some steps; empty without any step.

    Args:
        names: of the phases, by key.
        steps: seconds of the phases of each step, by key; a phase that is missing took no time.
    """
    if not steps:
        return []
    middle = {key: median(step.get(key, 0.0) for step in steps) for key in names}
    total = sum(middle.values()) or 1.0
    return [Phase(key, name, middle[key], middle[key] / total) for key, name in names.items()]


def table(names: Mapping[str, str], steps: Sequence[Mapping[str, float]]) -> str:
    """Return the medians as lines of text, each with milliseconds and share."""
    found = medians(names, steps)
    if not found:
        return "where the time went: no step was timed\n"
    lines = [f"  {phase.name:<34}{1000 * phase.seconds:>12.3f} ms{100 * phase.share:>5.0f} %" for phase in found]
    total = f"  {'Sum of the medians':<34}{1000 * sum(phase.seconds for phase in found):>12.3f} ms"
    return "\n".join([f"where the time went, in the median of {len(steps)} steps:", *lines, total, ""])
