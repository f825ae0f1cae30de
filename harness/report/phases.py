"""How the time of a step is spent."""

from dataclasses import asdict, dataclass
from statistics import median

from harness.recording.reader import RunFolder
from splitlearn.profile import PHASES, Phase, medians, phases_of

__all__ = ["Pace", "pace", "phase_seconds", "phases"]


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
    timed = ((step, step.seconds, step.breakdown) for step in run.split)
    return {
        step.step: phases_of(seconds, asdict(breakdown))
        for step, seconds, breakdown in timed
        if breakdown and seconds is not None
    }


def phases(run: RunFolder) -> list[Phase]:
    """Return the median of each phase; empty if the run recorded no step times."""
    return medians(PHASES, list(phase_seconds(run).values()))
