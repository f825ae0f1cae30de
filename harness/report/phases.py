"""How the time of a step is spent."""

from dataclasses import dataclass
from statistics import median

from harness.recording.reader import RunFolder

__all__ = ["PHASES", "Pace", "Phase", "pace", "phase_seconds", "phases"]

PHASES = {
    "bottom": "Bottom forward",
    "forward_wait": "Waiting for features",
    "top": "Top forward and backward",
    "backward_wait": "Waiting for gradients",
    "update": "Bottom backward and update",
    "other": "Other",
}


@dataclass(frozen=True)
class Phase:
    """One part of a step, with its median time and its share of the median step."""

    key: str
    name: str
    waiting: bool
    seconds: float
    share: float


@dataclass(frozen=True)
class Pace:
    """Median seconds of a step, split and in the single process, over the steps that both timed."""

    split: float
    single: float

    @property
    def ratio(self) -> float:
        """How many times the single process's step the split step takes."""
        return self.split / self.single


def pace(run: RunFolder) -> Pace | None:
    """Compare the times of a step; None if no step was timed on both sides."""
    ours, theirs = ({step.step: step.seconds for step in steps if step.seconds} for steps in (run.split, run.reference))
    common = ours.keys() & theirs.keys()
    if not common:
        return None
    return Pace(median(ours[step] for step in common), median(theirs[step] for step in common))


def phase_seconds(run: RunFolder) -> dict[int, dict[str, float]]:
    """Return the seconds of every phase of every step that recorded them, in chronological order."""
    parts: dict[int, dict[str, float]] = {}
    for step in run.split:
        if step.breakdown and step.seconds is not None:
            known = {key: getattr(step.breakdown, key) for key in PHASES if key != "other"}
            parts[step.step] = {**known, "other": max(0.0, step.seconds - sum(known.values()))}
    return parts


def phases(run: RunFolder) -> list[Phase]:
    """Return the median of each phase; empty if the run recorded no step times."""
    parts = list(phase_seconds(run).values())
    if not parts:
        return []
    medians = {key: median(part[key] for part in parts) for key in PHASES}
    total = sum(medians.values()) or 1.0
    return [Phase(key, name, key.endswith("_wait"), medians[key], medians[key] / total) for key, name in PHASES.items()]
