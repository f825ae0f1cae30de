"""When each process ran, and when the client worked on each step."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.recording.reader import RunFolder
from harness.recording.schema import EventRecord

__all__ = ["Life", "StepDone", "lives", "steps_done"]

ENDS = frozenset({"process.killed", "process.stopped", "process.paused"})
BEGINNINGS = frozenset({"process.started", "process.continued"})
# Events that end a step of the client, unless its process ends.
STEP_ENDS = frozenset({"client.step.started", "client.session.lost", "client.session.closing"})


@dataclass(frozen=True)
class Life:
    """A period in which a process ran; `end` is the event that ended it, None if the process ended by itself."""

    party: str
    began: float
    until: float
    end: EventRecord | None


@dataclass(frozen=True)
class StepDone:
    """A step of the client from its beginning to its end; `again` if it, or a later one, was begun before."""

    step: int
    began: float
    until: float
    again: bool


def lives(run: RunFolder) -> list[Life]:
    """Return the periods in which each party ran; a pause ends one, and continuing begins another."""
    found: list[Life] = []
    for party in sorted({event.party for event in run.trace if event.party}):
        own = [event.t for event in run.trace if event.teller == party]
        if not own:
            continue
        began: float | None = own[0]
        for event in run.trace:
            if event.party == party and event.point in ENDS and began is not None:
                found.append(Life(party, min(began, event.t), event.t, event))
                began = None
            elif event.party == party and event.point in BEGINNINGS:
                began = event.t
        if began is not None:
            found.append(Life(party, began, max(own[-1], began), None))
    return found


def steps_done(run: RunFolder, party: str = "client") -> list[StepDone]:
    """Return every step that a client began, repeated ones too; without a name, the first client."""
    own = [event for event in run.trace if event.party == party]
    marks = [event for event in own if event.point in STEP_ENDS or _ends_client(event)]
    last = max((event.t for event in own if event.source == "client"), default=0.0)
    done: list[StepDone] = []
    newest = -1
    for event, until in zip(marks, _ends(marks, last), strict=True):
        if event.point == "client.step.started" and event.step is not None:
            done.append(StepDone(event.step, event.t, max(until, event.t), again=event.step <= newest))
            newest = max(newest, event.step)
    return done


def _ends(marks: Sequence[EventRecord], last: float) -> list[float]:
    return [*(event.t for event in marks[1:]), last] if marks else []


def _ends_client(event: EventRecord) -> bool:
    return event.point in ("process.killed", "process.stopped")
