"""Coverage: every point of the protocol with the faults that were tried at it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.plan.faults.groups import GROUPS, KILLS, OTHER
from harness.recording.reader import RunFolder
from harness.recording.schema import VerdictWord
from harness.report.faults import fault_spans
from harness.report.reading import worst_verdict
from splitlearn.points import POINTS

__all__ = ["Coverage", "PointTried", "Tally", "Tried", "coverage"]

# Number of runs by verdict.
Tally = Mapping[VerdictWord, int]


@dataclass(frozen=True)
class FaultTrial:
    """One fault that fired at the place it was planned for; `run` is the run's position on the page."""

    point: str
    kind: str
    group: str
    step: int | None
    run: int
    verdict: VerdictWord


@dataclass(frozen=True)
class Tried:
    """One kind of fault at one point: at which steps it fired, how the runs ended, and which did not pass."""

    kind: str
    steps: tuple[int, ...]
    tally: Tally
    not_passed: tuple[int, ...]


@dataclass(frozen=True)
class PointTried:
    """One point, with a tally for every group of faults tried there; `known` is false for one that no longer exists."""

    name: str
    known: bool
    tried: tuple[Tried, ...]
    groups: Mapping[str, Tally]

    @property
    def every_kill(self) -> bool:
        """Whether each kind of kill was tried in a run that is not VOID."""
        return all(self.groups.get(kill, {}).keys() - {"VOID"} for kill in KILLS)


@dataclass(frozen=True)
class Coverage:
    """All points in the order of a run.

    `runs` counts those in which a fault fired at a point, and `worst` is how the worst of them ended; `silent` counts
    the planned faults that never fired.
    """

    points: tuple[PointTried, ...]
    groups: tuple[str, ...]
    runs: int
    worst: VerdictWord | None
    silent: int

    @property
    def known(self) -> tuple[PointTried, ...]:
        """The points that exist now."""
        return tuple(point for point in self.points if point.known)


def coverage(runs: Sequence[RunFolder]) -> Coverage:
    """Gather the faults that fired at every point; those that were only planned do not count."""
    spans = [(number, span) for number, run in enumerate(runs) for span in fault_spans(run)]
    trials: defaultdict[str, list[FaultTrial]] = defaultdict(list)
    for number, span in spans:
        if span.fired and span.due:
            verdict = runs[number].verdict.verdict
            trials[span.due.point].append(FaultTrial(span.due.point, span.kind, span.group, span.step, number, verdict))
    counted = sorted({trial.run for at_point in trials.values() for trial in at_point})
    points = tuple(_point(name, trials.get(name, ())) for name in dict.fromkeys((*POINTS, *trials)))
    return Coverage(
        points=points,
        groups=(*GROUPS, *((OTHER,) if any(OTHER in point.groups for point in points) else ())),
        runs=len(counted),
        worst=worst_verdict(runs[number] for number in counted) if counted else None,
        silent=sum(span.planned and not span.fired for _, span in spans),
    )


def _point(name: str, trials: Sequence[FaultTrial]) -> PointTried:
    by_kind: defaultdict[str, list[FaultTrial]] = defaultdict(list)
    by_group: defaultdict[str, list[FaultTrial]] = defaultdict(list)
    for trial in trials:
        by_kind[trial.kind].append(trial)
        by_group[trial.group].append(trial)
    order = (*GROUPS, OTHER)
    kinds = sorted(by_kind, key=lambda kind: (order.index(by_kind[kind][0].group), kind))
    return PointTried(
        name=name,
        known=name in POINTS,
        tried=tuple(_tried(kind, by_kind[kind]) for kind in kinds),
        groups={group: _tally(by_group[group]) for group in order if group in by_group},
    )


def _tried(kind: str, trials: Sequence[FaultTrial]) -> Tried:
    return Tried(
        kind=kind,
        steps=tuple(sorted({trial.step for trial in trials if trial.step is not None})),
        tally=_tally(trials),
        not_passed=tuple(sorted({trial.run for trial in trials if trial.verdict != "PASS"})),
    )


def _tally(trials: Iterable[FaultTrial]) -> Tally:
    """Count runs by verdict, each once however many faults it had here."""
    return Counter({trial.run: trial.verdict for trial in trials}.values())
