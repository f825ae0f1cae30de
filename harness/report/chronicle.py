"""What happened to the processes and messages of a run, in order."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

from harness.recording.reader import RunFolder
from harness.recording.schema import EventRecord
from harness.report.adversaries import adversary_spans
from harness.report.faults import fault_spans
from harness.report.wording import duration

__all__ = ["Happening", "chronicle"]

SESSIONS = frozenset({"client.step.started", "client.session.lost", "client.session.opened"})


@dataclass(frozen=True)
class Happening:
    """A notable event, `t` seconds after the start; `fault` is the number of the fault it belongs to."""

    t: float
    who: str
    what: str
    fault: int | None = None


def chronicle(run: RunFolder) -> list[Happening]:
    """List when faults were injected and healed, processes ended and restarted, and the client went back to a step."""
    told = [
        *_faults(run),
        *_adversaries(run),
        *_sessions(run),
        *(found for event in run.trace if (found := _harness(event))),
    ]
    return sorted(told, key=lambda happening: happening.t)


def _faults(run: RunFolder) -> Iterator[Happening]:
    for number, span in enumerate(fault_spans(run), 1):
        if span.injected is not None:
            yield Happening(span.injected, "harness", f"{span.name} injected", number)
        if span.healed is not None:
            yield Happening(span.healed, "harness", "healed", number)
            if span.recovered is not None and isfinite(span.recovered):
                what = f"progress again, {duration(span.recovered)} after the healing"
                yield Happening(span.healed + span.recovered, "client", what, number)


def _adversaries(run: RunFolder) -> Iterator[Happening]:
    for span in adversary_spans(run):
        if span.began is not None:
            yield Happening(span.began, "adversary", f"{span.name} begins")
        if span.ended is not None:
            yield Happening(span.ended, "adversary", f"{span.name} is at its end")


def _sessions(run: RunFolder) -> Iterator[Happening]:
    """List every session after the first, and the steps that it repeats."""
    opened, newest = False, -1
    for event in run.trace:
        if event.point not in SESSIONS or event.party != "client":
            continue
        step = event.step or 0
        if event.point == "client.step.started":
            newest = max(newest, step)
        elif event.point == "client.session.lost":
            yield Happening(event.t, "client", f"hears in step {step} that the trunk has lost the session")
        else:
            if opened:
                again = f"step {step}" if step == newest else f"steps {step} to {newest}"
                then = f"repeats {again}" if step <= newest else f"continues at step {step}"
                yield Happening(event.t, "client", f"has opened the session again and {then}")
            opened = True


def _harness(event: EventRecord) -> Happening | None:
    who = event.party or event.source
    life = "" if event.life is None else f", life {event.life}"
    match event.point.split("."):
        case ["process", "started"]:
            return Happening(event.t, who, f"started again{life}")
        case ["process", what]:
            return Happening(event.t, who, f"{what}{life}")
        case ["relay", message, what]:
            return Happening(event.t, who, f"{event.method or ''} {message} {what}".strip())
        case ["fault", ("failed" | "unhealed") as what]:
            word = "not injected" if what == "failed" else "not healed"
            return Happening(event.t, who, f"{event.fault or 'fault'} {word}: {event.reason or 'no reason is given'}")
    return None
