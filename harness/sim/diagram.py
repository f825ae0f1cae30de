"""A sequence diagram of a simulated run as text: requests, replies and faults."""

from collections.abc import Iterator, Sequence
from typing import Any

from harness.sim.in_flight import NEVER, InFlight
from harness.sim.outcome import Outcome
from harness.trace.event import Event
from splitlearn.wire.errors import WireError
from splitlearn.wire.methods import METHODS

__all__ = ["diagram"]

WIDTH = 34
# Points that are shown beside the messages.
TOLD = (
    "fault.injected", "fault.healed", "fault.failed", "fault.unhealed", "process.killed", "process.started",
    "process.stopped", "process.paused", "process.continued", "process.failed", "machine.crashed", "disk.failed",
    "disk.altered", "relay.request.lost", "relay.request.kept", "relay.request.delivered", "relay.request.doubled",
    "relay.request.corrupted", "relay.reply.lost", "relay.reply.corrupted", "client.session.opened",
    "client.session.lost", "client.commit.applied", "trunk.commit.applied", "client.checkpoint.saved",
    "trunk.checkpoint.saved", "trunk.server.ready",
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


def _messages(calls: Sequence[InFlight]) -> Iterator[tuple[float, str]]:
    for call in calls:
        way = f"#{call.number:<4} {call.client} ──{_request(call):─^{WIDTH}}──"
        yield call.sent_at, way + _end_of_way(call)
        if call.again_at < NEVER:
            yield call.again_at, f"{way}▶ trunk  again"
        if call.answer is not None:
            yield call.done_at, f"#{call.number:<4} {_reply(call)}"


def _end_of_way(call: InFlight) -> str:
    if call.arrived_at < NEVER:
        return f"▶ trunk  at {call.arrived_at:.4f}"
    return "✗  lost" if call.cancelled or call.answer is not None else "…  on its way at the end"


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
            mark = "⚡" if event.source in ("harness", "relay") else " ·"
            yield event.t, f"{mark}    {_words(event)}"


def _words(event: Event) -> str:
    what = event.fields.get("fault") or event.party or event.fields.get("method", "")
    step = "" if event.step is None else f" {event.step}"
    return f"{event.point}{step} {what}".rstrip()
