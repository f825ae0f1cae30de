"""A sequence diagram of a simulated run as text: requests, replies and faults."""

from collections.abc import Iterator, Sequence
from typing import Any

from harness.sim.in_flight import InFlight
from harness.sim.outcome import Outcome
from harness.trace.event import Event
from splitlearn.wire.errors import WireError
from splitlearn.wire.methods import METHODS

__all__ = ["diagram", "first_difference"]

WIDTH = 34
# Points that are shown beside the messages.
TOLD = (
    "fault.injected", "fault.healed", "fault.failed", "fault.unhealed", "process.killed", "process.started",
    "process.stopped", "process.paused", "process.continued", "process.failed", "machine.crashed", "disk.failed",
    "disk.altered", "client.session.opened", "client.session.lost", "client.commit.applied",
    "trunk.commit.applied", "client.checkpoint.saved", "trunk.checkpoint.saved", "trunk.server.ready",
)  # fmt: skip
SHOWN = 60


def diagram(outcome: Outcome, most: int = SHOWN) -> str:
    """Return the last lines of a run's diagram; each begins with the virtual time in seconds.

    Args:
        outcome: the run's outcome.
        most: maximum number of lines.
    """
    lines = sorted([*_messages(outcome.calls), *_events(outcome.events)], key=lambda line: line[0])
    left_out = len(lines) - most
    head = [f"{'':>9}  … {left_out} earlier lines"] if left_out > 0 else []
    return "\n".join([*head, *(f"{t:9.4f}  {text}" for t, text in lines[-most:])])


def first_difference(outcome: Outcome, other: Outcome) -> str:
    """Return a description of the first event at which two runs differ."""
    for number, (ours, theirs) in enumerate(zip(outcome.events, other.events, strict=False)):
        if _plain(ours) != _plain(theirs):
            return (
                f"the first {number} events are equal; then {_words(ours)} at {ours.t:.4f} s in this run, "
                f"{_words(theirs)} at {theirs.t:.4f} s in the other"
            )
    return f"the first {min(len(outcome.events), len(other.events))} events are equal; then one of the runs ends"


def _messages(calls: Sequence[InFlight]) -> Iterator[tuple[float, str]]:
    for call in calls:
        what = _request(call)
        reached = call.arrived_at < float("inf")
        way = f"{call.client} ──{what:─^{WIDTH}}──" + ("▶ trunk" if reached else "✗")
        yield call.sent_at, f"#{call.number:<4} {way}" + (f"  at {call.arrived_at:.4f}" if reached else "  lost")
        if call.answer is not None:
            yield call.done_at, f"#{call.number:<4} {_reply(call)}"


def _reply(call: InFlight) -> str:
    if not isinstance(call.answer, WireError):
        return f"{call.client} ◀─{'OK':─^{WIDTH}}── trunk"
    came = call.answer.reason.value != "TRANSPORT"
    code = call.answer.code.name if not came else call.answer.reason.value
    way = f"{call.client} ◀─{code:─^{WIDTH}}──" + (" trunk" if came else "✗")
    return f"{way}  {call.answer.message[:60]}"


def _request(call: InFlight) -> str:
    # Typed as Any because the fields depend on the method.
    request: Any = METHODS[call.method].read_request(call.request)
    if call.method == "OpenSession":
        return f" OpenSession from {list(request.resume_steps)} "
    key = request.key
    if call.method == "SyncTrainingState":
        action = type(request).Action.Name(request.action).removeprefix("ACTION_").lower()
        return f" {action} {key.step} (incarnation {key.incarnation & 0xFFFFF}) "
    return f" {call.method} {key.step}.{key.microbatch} "


def _events(events: Sequence[Event]) -> Iterator[tuple[float, str]]:
    for event in events:
        if event.point in TOLD:
            mark = "⚡" if event.source == "harness" else " ·"
            yield event.t, f"{mark}    {_words(event)}"


def _words(event: Event) -> str:
    what = event.fields.get("fault") or event.party
    step = "" if event.step is None else f" {event.step}"
    return f"{event.point}{step} {what}".rstrip()


def _plain(event: Event) -> tuple[object, ...]:
    return event.point, event.party, event.step, event.microbatch, event.fields.get("fault")
