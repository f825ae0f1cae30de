"""Which points the processes passed, and how often."""

from dataclasses import dataclass

from harness.recording.reader import RunFolder

__all__ = ["PointPassed", "points_passed"]


@dataclass(frozen=True)
class PointPassed:
    """One point of one party, with the times of its first and last event in seconds since the start."""

    party: str
    name: str
    times: int
    first: float
    last: float


def points_passed(run: RunFolder) -> list[PointPassed]:
    """List the points in the order in which they were first passed, process by process."""
    times: dict[tuple[str, str], list[float]] = {}
    for event in run.trace:
        times.setdefault((event.teller, event.point), []).append(event.t)
    passed = [PointPassed(*key, times=len(at), first=at[0], last=at[-1]) for key, at in times.items()]
    return sorted(passed, key=lambda point: point.party)
