"""Matches planned adversaries with the trace."""

from dataclasses import dataclass

from harness.recording.reader import RunFolder
from harness.recording.schema import EventRecord, Trigger

__all__ = ["AdversarySpan", "adversary_spans"]

BEGAN, ENDED = "adversary.began", "adversary.ended"
BROKEN_OFF = ("adversary.failed", "adversary.gave_up")


@dataclass(frozen=True)
class AdversarySpan:
    """One adversary from beginning to end, in seconds from the start; a time of None means never.

    `problem` says why it did not begin or did not finish; empty if it did both.
    """

    name: str
    detail: str
    due: Trigger | None
    began: float | None
    ended: float | None
    problem: str


def adversary_spans(run: RunFolder) -> tuple[AdversarySpan, ...]:
    """List the planned adversaries in their order."""
    told = {(event.adversary, event.point): event for event in run.trace if event.adversary}

    def span(name: str, detail: str, due: Trigger | None) -> AdversarySpan:
        problems = [told[name, point].reason or "no reason is given" for point in BROKEN_OFF if (name, point) in told]
        began, ended = (_t(told.get((name, point))) for point in (BEGAN, ENDED))
        return AdversarySpan(name, detail, due, began, ended, "; ".join(problems))

    return tuple(span(planned.name, planned.detail, planned.at) for planned in run.scenario.adversaries)


def _t(event: EventRecord | None) -> float | None:
    return event.t if event else None
